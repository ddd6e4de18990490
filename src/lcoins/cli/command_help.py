"""What the help of each command with a composed config has in common; conf/ has the rest, under ``hydra.help``."""

from lcoins.cli.conf_files import conf_folder, group_options

# Hydra puts the config in place of its last line.
TEMPLATE = """\
Groups, of each of which one choice is taken:

{choices}

Each key is explained beside it in the files of conf/, and all of them in docs/reference, under Configuration.
Options: -m for a sweep over several values of a key, --cfg job for the config alone; --hydra-help lists the others.

The config, each key of which can be changed; dots lead to inner keys:

$CONFIG"""


def command_help(command: str) -> str:
    """The groups of a command with their choices, where its keys are explained, and Hydra's mark for the config."""
    options = group_options(conf_folder(), command)
    width = max(map(len, options), default=0)
    lines = [f"  {group:<{width}}  {', '.join(names)}" for group, names in options.items()]
    return TEMPLATE.format(choices="\n".join(lines))
