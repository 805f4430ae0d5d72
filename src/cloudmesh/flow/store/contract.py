"""What every store must do, as plain functions.

The tests run them against each store, and ``cms flow store check`` against a
user's own server, in a scratch database.  Each takes a `Setting` and raises
`Broken`, with what was wanted and what came, where the store does otherwise.
"""

from __future__ import annotations

from collections.abc import Callable

from cloudmesh.flow.store import contract_documents as documents
from cloudmesh.flow.store import contract_journal as journal
from cloudmesh.flow.store.contract_tools import Broken, Setting

__all__ = ["CONTRACT", "Broken", "Setting"]

CONTRACT: tuple[Callable[[Setting], None], ...] = (
    documents.a_store_has_an_identity,
    journal.definitions_are_replaced_whole,
    journal.definitions_have_the_fields_of_the_contract,
    journal.names_of_flows_are_checked,
    journal.a_run_is_there_once,
    journal.batches_are_numbered_and_read_back,
    journal.one_of_two_appends_wins,
    journal.a_living_owner_is_left_alone,
    journal.a_former_owner_writes_nothing,
    journal.a_beat_moves,
    documents.documents_follow_the_journal,
    documents.documents_are_found_by_their_fields,
    documents.documents_are_made_as_they_are_by_then,
    documents.elements_of_a_map_come_later,
    documents.results_of_any_kind_come_back,
    documents.large_results_are_given_whole,
    documents.runs_are_active_or_history,
    documents.runs_are_listed_newest_first,
    documents.requests_are_taken_once,
    documents.logs_are_kept_and_followed,
    documents.readers_are_told_of_batches,
    documents.pruned_runs_are_gone,
)
