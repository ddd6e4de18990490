"""When a run is validated: in any case after its last step, and what an epoch did not measure is not told of it."""

from typing import Any

from lightning import Callback, LightningModule, Trainer


class FreshValidation(Callback):
    """Has the last weights of a training validated, and forgets what was measured in the epochs before.

    Lightning validates only after whole epochs, or after some of them: the steps after those would never compete for
    ``best.ckpt``. It also keeps figures until they are measured again, so that an epoch without a validation would be
    told, and chosen, by those of another.
    """

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for name in [name for name in trainer.callback_metrics if name.startswith("val/")]:
            del trainer.callback_metrics[name]

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        last_step = 0 < trainer.max_steps <= trainer.global_step
        last_epoch = trainer.current_epoch + 1 == trainer.max_epochs
        if last_step or (last_epoch and trainer.fit_loop.epoch_loop.batch_progress.is_last_batch):
            trainer.check_val_every_n_epoch = 1
            trainer.should_stop = True  # Lightning validates before it stops
