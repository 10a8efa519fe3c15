"""The assets, one file each: what a run makes, in the order raw → expanded → debtors → matches → estates → actions → outbox.

Each asset's docstring is its description in Dagster's UI. No rule is here: steps/ does the work.
"""

import inspect
import warnings
from collections.abc import Callable

import dagster as dg

from konkurs_pipeline.orchestration.assets.actions import build_actions
from konkurs_pipeline.orchestration.assets.customer_matches import build_customer_matches
from konkurs_pipeline.orchestration.assets.debtors import build_debtors
from konkurs_pipeline.orchestration.assets.estates import build_estates
from konkurs_pipeline.orchestration.assets.expanded_datasets import build_expanded_datasets
from konkurs_pipeline.orchestration.assets.outbox import build_outbox
from konkurs_pipeline.orchestration.assets.raw_notices import build_raw_notices
from konkurs_pipeline.orchestration.assets.register import build_register


def build_assets(workdays: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """Return all assets, partitioned by `workdays`."""
    builders: tuple[Callable[[dg.PartitionsDefinition], dg.AssetsDefinition], ...] = (
        build_register,
        build_raw_notices,
        build_expanded_datasets,
        build_debtors,
        build_customer_matches,
        build_estates,
        build_actions,
        build_outbox,
    )
    with warnings.catch_warnings():
        # backfill_policy and code references are in beta; the versions are pinned, and a test runs a range.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return [_with_its_code(build(workdays), build) for build in builders]


def _with_its_code(asset: dg.AssetsDefinition, build: Callable[..., object]) -> dg.AssetsDefinition:
    """Let Dagster's UI show where an asset's code is: Dagster itself would name the decorator that all share."""
    code = dg.LocalFileCodeReference(
        file_path=inspect.getsourcefile(build) or "", line_number=inspect.getsourcelines(build)[1]
    )
    metadata = {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[code])}
    return asset.map_asset_specs(lambda spec: spec.merge_attributes(metadata=metadata))
