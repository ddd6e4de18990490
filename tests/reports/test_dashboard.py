"""The dashboard up to the request that builds it: no server is asked."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
import wandb
from typer.testing import CliRunner

from lcoins.cli.main import app


def test_one_command_sends_the_whole_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb_workspaces")
    sent: list[dict[str, Any]] = []

    def answer(query: str, variables: dict[str, Any]) -> dict[str, Any]:
        assert "upsertView" in query
        sent.append(variables)
        return {"upsertView": {"view": {"id": "1", "name": "nw-abc-v"}}}

    service = SimpleNamespace(execute_graphql=answer, app_url="https://wandb.ai")
    monkeypatch.setattr("wandb.Api", lambda: SimpleNamespace(_service_api=service, default_entity="me"))
    arguments = ["report", "dashboard", "colors", "--sets", "clear,counter"]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0 and "https://wandb.ai/me/colors" in done.output
    (request,) = sent
    assert (request["entityName"], request["projectName"], request["displayName"]) == ("me", "colors", "Ablations")
    spec = json.loads(request["spec"])
    sections = spec["section"]["panelBankConfig"]["sections"]
    assert [section["name"] for section in sections][:5] == [
        "Words right",
        "Instances",
        "Picture quality",
        "Training",
        "Pairs",
    ]
    assert len(sections[0]["panels"]) == 2
    text = json.dumps(sections)
    for key in ("clear/color_word_accuracy", "counter/groups_ari", "val/psnr", "test/clear", "val/pictures"):
        assert key in text
    assert "variant" in json.dumps(spec["section"]["runSets"][0]["grouping"])


def test_without_a_login_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise wandb.errors.UsageError("No API key configured. Use `wandb login` to log in.")

    monkeypatch.setattr("wandb.Api", refuse)
    with pytest.raises(OSError, match="did not save the dashboard: No API key configured"):
        CliRunner().invoke(app, ["report", "dashboard"], catch_exceptions=False)
