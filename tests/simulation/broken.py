"""Each promise of a run, broken in the code on purpose, and the test that must fail then.

``right`` stands once in the file and is replaced by ``wrong``.  docs/guarantees.md
lists ``what``; `test_broken_promises.py` plants each in a copy of the package.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BROKEN", "Broken"]


class Broken(NamedTuple):
    what: str
    file: str  # below cloudmesh/flow
    right: str
    wrong: str
    test: str  # below tests


LOST = "acceptance/test_nothing_lost.py::"
ENDED = "acceptance/test_ended.py::"
AWAY = "acceptance/test_store_fails.py::"
ENGINE = "engine/test_engine.py::"
LEFT = "engine/test_left.py::"
RUN = "run/test_run.py::"
OWNER = "test_owner.py::"
STORE = "contract/test_store_contract.py::test_promise"
EXECUTOR = "contract/test_executors.py::"
RUNNER = "executors/test_runner.py::"
CUT = "real/test_power_cut.py::test_a_disk_that_loses_its_cache[power-12]"
SUSPECT = RUN + "test_the_third_death_is_an_error_and_the_culprit_alone_reaches_it"
FORMER = "a_former_owner_writes_nothing]"

ENDS = [
    Broken(
        "a node waits for one only of those that it depends on",
        "run/run.py",
        "                if waiting[follower]:\n                    continue\n",
        "",
        "run/test_run_properties.py",
    ),
    Broken(
        "what follows an error is blocked again and again",
        "run/run.py",
        "                if follower in self.blocked:\n",
        "                if False:\n",
        "run/test_run_properties.py",
    ),
    Broken(
        "an error ends the run",
        "run/run.py",
        "        return self.open == 0\n",
        "        return self.open == 0 or bool(self.error)\n",
        RUN + "test_what_follows_an_error_stays_pending_and_says_why",
    ),
    Broken(
        "what is blocked does not say by whom",
        "run/state.py",
        'return f"blocked by {self.names[self.blocked[i]]}"',
        "return None",
        RUN + "test_what_follows_an_error_stays_pending_and_says_why",
    ),
    Broken(
        "a traceback shows frames of ours",
        "executors/call.py",
        "        _cut(told)\n",
        "",
        "executors/test_call.py::test_an_exception_has_type_message_and_the_users_frames_only",
    ),
    Broken(
        "a pool is no limit",
        "run/run.py",
        "self.busy.get(name, 0) for name in lane]\n",
        "self.busy.get(name, 0) for name in lane[:1]]\n",
        RUN + "test_a_pool_is_a_limit_beside_the_place",
    ),
]

RECORDED = [
    Broken(
        "what the journal says has finished is not believed",
        "run/run.py",
        "            fields = list(event[1:])\n",
        "            if kind == 'finished':\n                continue\n"
        "            fields = list(event[1:])\n",
        LOST + "test_kill_9_then_resume[embedded]",
    ),
    Broken(
        "documents of SQLite are written in two steps, the result in the second",
        "store/sqlite.py",
        "        keys = [first | row[0] for row in rows]\n",
        "        keys = [first | row[0] for row in rows]\n"
        "        with self._writer.transaction() as two:\n"
        "            said = zip(*columns[:-1], rev, keys, rev, strict=False)\n"
        "            two.executemany(sql.set_node(names[:-1]), said)\n",
        "store/test_faults.py::test_a_projection_is_there_whole_or_not_at_all",
    ),
    Broken(
        "durability: power is not asked for",
        "engine/loop.py",
        "durable = durable or self._durable",
        "durable = durable or False",
        CUT,
    ),
    Broken(
        "a durable commit does not wait for the disk",
        "store/sqlite_file.py",
        "        with self._lasting(durable):\n            self.connection.execute(sql.ADD_BATCH",
        "        with self._lasting(False):\n            self.connection.execute(sql.ADD_BATCH",
        CUT,
    ),
    Broken(
        "a large value is named before it is on the disk",
        "store/files.py",
        "                file.flush()\n                _sync(fd)\n",
        "",
        CUT,
    ),
    Broken(
        "an intent does not wait for the disk",
        "engine/loop.py",
        "self._append([event], durable=True)",
        "self._append([event])",
        LEFT + "test_what_is_made_outside_is_on_the_disk_before_it_is_made",
    ),
]

AGAIN = [
    Broken(
        "what ran when the engine died is forgotten",
        "run/run.py",
        "                self._failed_for_good(i, at)\n            else:\n"
        "                self._make_ready(i)\n",
        "                self._failed_for_good(i, at)\n",
        RUN + "test_what_ran_when_the_engine_died_runs_again",
    ),
    Broken(
        "every attempt is the first",
        "run/run.py",
        "event = ev.started(i, now, self.attempt[i] + 1, reason, task.on)",
        "event = ev.started(i, now, 1, reason, task.on)",
        LOST + "test_kill_9_then_resume[embedded]",
    ),
    Broken(
        "each attempt has a key of its own",
        "engine/going.py",
        'return f"{self.engine.key_prefix}/{self.node}"',
        'return f"{self.engine.key_prefix}/{self.node}/{self.number}"',
        LOST + "test_kill_9_then_resume[embedded]",
    ),
    Broken(
        "the key tells the store's place",
        "engine/drive.py",
        'key_prefix=f"{store.id}/{journal.run}"',
        'key_prefix=f"{store.url}/{journal.run}"',
        ENGINE + "test_progress_and_key",
    ),
    Broken(
        "a command does not know its key",
        "executors/command.py",
        "{**variables, KEY: attempt.key}",
        "{**variables}",
        EXECUTOR + "test_a_command_prints_live_and_knows_its_key",
    ),
    Broken(
        "a worker process does not know its node's key",
        "executors/worker.py",
        "        os.environ[KEY] = key\n",
        "        os.environ[KEY] = ''\n",
        EXECUTOR + "test_a_node_knows_its_key_and_attempt_and_says_progress[process]",
    ),
    Broken("a fourth death is allowed", "run/run.py", "DEATHS_MAX = 3", "DEATHS_MAX = 4", SUSPECT),
    Broken(
        "a suspect runs beside others",
        "run/run.py",
        "if self.deaths and self._start_suspects(record, starting, now):",
        "if False:",
        SUSPECT,
    ),
    Broken(
        "a suspect runs in the engine's own process",
        "engine/launch.py",
        "self._engine.run.deaths.get(i, 0) >= 2",
        "False",
        LEFT + "test_a_node_under_which_two_engines_died_is_kept_out_of_the_third",
    ),
    Broken(
        "what a dead engine left running is left",
        "engine/drive.py",
        '        sweep(f"{store.id}/{journal.run}/")',
        '        lambda: sweep(f"{store.id}/{journal.run}/")',
        LOST + "test_a_command_of_a_dead_engine_is_ended_before_its_node_runs_again[embedded]",
    ),
    Broken(
        "a job that still runs is not adopted",
        "executors/slurm.py",
        'self._adopt(login, f"{shared}/{name}", about)',
        "pass",
        "real/test_slurm.py::test_a_job_that_outlives_its_engine_is_adopted",
    ),
]

OWNERS = [
    Broken(
        "a lock that is held keeps nobody out",
        "store/sqlite.py",
        "        if held and is_locked(self._lock_path(held)):\n"
        '            raise OwnedError(f"run {run} is owned by',
        '        if False:\n            raise OwnedError(f"run {run} is owned by',
        STORE + "[sqlite-a_living_owner_is_left_alone]",
    ),
    Broken(
        "a living owner is watched instead of believed",
        "api.py",
        "    if owner.alive and not force:\n",
        "    if False:\n",
        OWNER + "test_a_living_owner_keeps_its_run_at_once",
    ),
    Broken(
        "--force does not look at the beat",
        "api.py",
        "now.beat != owner.beat or ",
        "",
        OWNER + "test_an_owner_whose_beat_moves_is_alive",
    ),
    Broken(
        "--force does not look at the journal",
        "api.py",
        " or store.batches(run_id, seq, 1)",
        "",
        OWNER + "test_an_owner_whose_journal_moves_is_alive",
    ),
    Broken(
        "--force waits for three seconds",
        "api.py",
        "GONE_AFTER, FORCE_AFTER = 60.0, 5.0",
        "GONE_AFTER, FORCE_AFTER = 60.0, 3.0",
        OWNER + "test_by_force_a_silent_owner_is_watched_for_five_seconds",
    ),
    Broken(
        "an owner elsewhere is given up at once",
        "api.py",
        "    seconds = FORCE_AFTER if force else GONE_AFTER",
        "    seconds = FORCE_AFTER if force else 0",
        OWNER + "test_an_owner_elsewhere_is_watched_for_sixty_seconds",
    ),
    Broken(
        "a process that is gone counts as living",
        "store/processes.py",
        'return process.get("start") is not None and _start(process["pid"]) == process["start"]',
        "return True",
        "contract/test_store_processes.py::test_a_kill_loses_nothing_that_was_acknowledged"
        "[ferretdb]",
    ),
    Broken(
        "a process that cannot be seen counts as gone",
        "store/processes.py",
        '    if any(process.get(key) != here[key] for key in ("host", "boot", "namespace")):\n'
        "        return None\n",
        '    if any(process.get(key) != here[key] for key in ("host", "boot", "namespace")):\n'
        "        return False\n",
        "real/test_ferretdb_and_mongodb.py::test_an_owner_elsewhere_cannot_be_seen[ferretdb]",
    ),
    Broken(
        "SQLite: a number that another engine took is taken again",
        "store/sqlite.py",
        "                if last_key(connection, sql.LAST_BATCH, r << 32) != r << 32 | seq:\n"
        '                    raise Fenced(f"another engine was faster: it goes on with run {run}")'
        "\n",
        "                seq = last_key(connection, sql.LAST_BATCH, r << 32) & 0xFFFFFFFF\n",
        STORE + "[sqlite-one_of_two_appends_wins]",
    ),
    Broken(
        "SQLite: no fence before the journal",
        "store/sqlite.py",
        "            if known != (self.fence, events):\n",
        "            if False:\n",
        STORE + f"[sqlite-{FORMER}",
    ),
    Broken(
        "SQLite: no fence before documents",
        "store/sqlite.py",
        "                self._check(connection)\n                changed = ",
        "                changed = ",
        STORE + f"[sqlite-{FORMER}",
    ),
    Broken(
        "SQLite: no fence before new documents",
        "store/sqlite.py",
        "            self._check(connection)\n            lists = ",
        "            lists = ",
        STORE + f"[sqlite-{FORMER}",
    ),
    Broken(
        "SQLite: no fence before the log alone",
        "store/sqlite.py",
        "            self._check(connection)\n            self._store.logs.append",
        "            self._store.logs.append",
        STORE + f"[sqlite-{FORMER}",
    ),
    Broken(
        "SQLite: no fence before the beat alone",
        "store/sqlite.py",
        "        if self._writer.read(sql.FENCE, (self._r,)) != (self.fence,):\n"
        "            raise self._fenced()\n",
        "",
        STORE + f"[sqlite-{FORMER}",
    ),
    Broken(
        "SQLite: no fence before requests",
        "store/sqlite.py",
        "            self._check(connection)\n            connection.execute(sql.TAKE_REQUEST",
        "            connection.execute(sql.TAKE_REQUEST",
        STORE + f"[sqlite-{FORMER}",
    ),
    Broken(
        "MongoDB: no fence before the journal",
        "store/mongo_journal.py",
        'if known is None or known["owner"] != nonce or known["events"] != batch["events"]:',
        "if False:",
        STORE + "[ferretdb-one_of_two_appends_wins]",
    ),
    Broken(
        "MongoDB: no fence before documents",
        "store/mongo_journal.py",
        "        self._check()\n        pulls",
        "        pulls",
        STORE + f"[ferretdb-{FORMER}",
    ),
    Broken(
        "MongoDB: no fence before new documents",
        "store/mongo_journal.py",
        "        self._check()\n        self._names.update(",
        "        self._names.update(",
        STORE + f"[ferretdb-{FORMER}",
    ),
    Broken(
        "MongoDB: no fence before the log alone",
        "store/mongo_journal.py",
        "        self._check()\n        pieces, sizes",
        "        pieces, sizes",
        STORE + f"[ferretdb-{FORMER}",
    ),
    Broken(
        "MongoDB: no fence before requests",
        "store/mongo_journal.py",
        "        self._check()\n        with mapped(self._store.url):\n"
        '            self._store.collection("flow-requests").update_one',
        "        with mapped(self._store.url):\n"
        '            self._store.collection("flow-requests").update_one',
        STORE + f"[ferretdb-{FORMER}",
    ),
    Broken(
        "MongoDB: no fence before the beat and the run's document",
        "store/mongo_journal.py",
        'mine = {"_id": self.run, "fence": self.fence, "nonce": self._nonce}',
        'mine = {"_id": self.run}',
        STORE + f"[ferretdb-{FORMER}",
    ),
    Broken(
        "a former owner exits 0",
        "errors.py",
        '    """Another engine has taken the run over; this one writes nothing more."""\n',
        '    """Another engine has taken the run over; this one writes nothing more."""\n\n'
        "    exit_code = 0\n",
        LOST + "test_a_stopped_owner_is_taken_over_by_force_and_writes_nothing_more[embedded]",
    ),
    Broken(
        "resume of an ended run exits 0, however it ended",
        "cli/run.py",
        '            return conclude(args, store, found["run"])',
        '            return conclude(args, store, found["run"]) * 0',
        LOST + "test_resume_of_a_run_that_ended_in_error_exits_as_it_did[embedded]",
    ),
]

STOPPED = [
    Broken(
        "an interrupted node is in error",
        "engine/outcomes.py",
        '        if going.ending == "interrupted":\n'
        '            return ev.reset(going.vertex, at, "interrupted")\n',
        "",
        LOST + "test_an_interrupted_run_is_resumed[embedded-2]",
    ),
    Broken(
        "SIGTERM is not heard",
        "engine/drive.py",
        "numbers = [signal.SIGINT, signal.SIGTERM]",
        "numbers = [signal.SIGINT]",
        LOST + "test_an_interrupted_run_is_resumed[embedded-15]",
    ),
    Broken(
        "a second Ctrl-C is one more first",
        "engine/drive.py",
        "            _kill(engine)\n        engine.signal()",
        "            pass\n        engine.signal()",
        ENDED + "test_a_second_interrupt_kills_at_once[embedded]",
    ),
    Broken(
        "a second Ctrl-C leaves what runs",
        "engine/drive.py",
        '    kill(f"{engine.key_prefix}/")\n',
        "",
        ENDED + "test_a_second_interrupt_kills_at_once[embedded]",
    ),
    Broken(
        "the end of a node that has just ended is that of its worker's next one",
        "executors/process.py",
        "        while worker.jobs.count > 1 and self._receive(worker):\n            pass\n",
        "",
        "executors/test_process.py"
        "::test_an_end_that_comes_as_the_next_one_has_begun_costs_that_one_nothing",
    ),
    Broken(
        "cancel only interrupts",
        "run/run.py",
        '        if kind == "cancel":\n            self.stopping = "cancelled"',
        '        if kind == "cancel":\n            self.stopping = "interrupted"',
        LOST + "test_cancel_from_another_process[embedded]",
    ),
    Broken(
        "a cancelled run is resumed",
        "cli/run.py",
        'if found["status"] in ("finished", "error", "cancelled"):',
        'if found["status"] in ("finished", "error"):',
        LOST + "test_cancel_from_another_process[embedded]",
    ),
    Broken(
        "what was not started does not say that it is cancelled",
        "run/state.py",
        '(i in self.blocked or self.status_word == "cancelled"):\n            return "cancelled"\n',
        'i in self.blocked:\n            return "cancelled"\n',
        RUN + "test_cancelled_nodes_stay_pending",
    ),
    Broken(
        "a cancelled node is tried again",
        "engine/outcomes.py",
        'if going.ending in ("cancelled", "interrupted") or run.stopping:',
        "if False:",
        LEFT + "test_a_cancelled_node_is_not_tried_again",
    ),
    Broken(
        "a node with a timeout stays in the engine's process",
        "engine/launch.py",
        '    if task.timeout is not None and task.on == "local":\n        return "process"\n',
        "",
        LEFT + "test_where_a_node_with_a_timeout_runs",
    ),
    Broken(
        "an async node with a timeout goes to a worker",
        "engine/launch.py",
        "    if task.is_async:\n",
        "    if task.is_async and task.timeout is None:\n",
        LEFT + "test_where_a_node_with_a_timeout_runs",
    ),
    Broken(
        "children that have left the group are left",
        "executors/procs.py",
        "    return found | descendants([leader, *found], living)",
        "    return {p for p in found if living[p].group == leader}",
        EXECUTOR + "test_cancel_leaves_nothing[process]",
    ),
    Broken(
        "who ignores TERM is given three seconds",
        "executors/procs.py",
        "GRACE = 0.5",
        "GRACE = 2.9",
        "executors/test_ending.py"
        "::test_who_does_not_heed_the_request_is_killed_after_half_a_second",
    ),
    Broken(
        "what a worker has started outlives the engine",
        "executors/worker.py",
        '    leave(os.environ.get(KEY, ""), grace=0.0)\n',
        "    os._exit(0)\n",
        EXECUTOR + "test_nothing_outlives_a_killed_engine[process]",
    ),
    Broken(
        "what a node's own threads start while it is ended is left",
        "executors/procs.py",
        "        if _forks():\n",
        "        if False:\n",
        RUNNER + "test_a_node_that_goes_on_starting_processes_leaves_none",
    ),
    Broken(
        "a runner that is ended late ends the node's next attempt",
        "executors/procs.py",
        "family(leader, key, processes(), by) - {leader}",
        "family(leader, key, processes()) - {leader}",
        RUNNER + "test_a_runner_ends_nothing_of_the_same_nodes_next_attempt",
    ),
    Broken(
        "a node whose connection was lost runs on there",
        "executors/ssh.py",
        "if job.started and (job.why is None or code != 0):",
        "if job.started and job.why is None and code is not None:",
        "real/test_ssh.py::test_a_cut_connection_loses_the_node_and_leaves_nothing_there",
    ),
    Broken(
        "the outcome of a thread that was given up counts",
        "engine/loop.py",
        "            if going.over or event is None:",
        "            if event is None:",
        ENGINE + "test_what_a_given_up_attempt_returns_is_nobodys_value",
    ),
    Broken(
        "the output of a thread that was given up is kept",
        "engine/going.py",
        "        if not self.over:\n            self.engine.output(self, stream, text)",
        "        self.engine.output(self, stream, text)",
        LEFT + "test_a_thread_is_asked_to_end_and_what_it_says_later_is_dropped",
    ),
    Broken(
        "a thread is not asked to end",
        "engine/loop.py",
        "        ask_to_end(going)\n",
        "        pass\n",
        LEFT + "test_a_thread_is_asked_to_end_and_what_it_says_later_is_dropped",
    ),
    Broken(
        "the log does not say that a thread runs on",
        "engine/loop.py",
        '            self._keep(going, "err", _LEFT[word])\n',
        "",
        LEFT + "test_a_thread_is_asked_to_end_and_what_it_says_later_is_dropped",
    ),
    Broken(
        "cms waits for threads that are left",
        "cli/main.py",
        "    os._exit(code)",
        "    sys.exit(code)",
        ENDED + "test_timeouts_leave_no_process[embedded]",
    ),
]

TRIED = [
    Broken(
        "a death of the engine counts as a failure",
        "engine/outcomes.py",
        "failures = run.failures.get(i, 0) + 1",
        "failures = run.attempt[i]",
        LEFT + "test_a_death_of_the_engine_is_no_failure_of_the_node",
    ),
    Broken(
        "retries=2 is two attempts",
        "run/policy.py",
        "if failures > task.retries:",
        "if failures >= task.retries:",
        "run/test_policy.py::test_whether_there_is_another_attempt",
    ),
    Broken(
        "a worker that dies under its node is no lost attempt",
        "executors/process.py",
        'return problem("WorkerLost", message, code or None, lost=True)',
        'return problem("WorkerLost", message, code or None)',
        EXECUTOR + "test_a_process_that_ends_itself_is_lost[process]",
    ),
    Broken(
        "the pause does not grow",
        "run/policy.py",
        "2.0 ** min(failures - 1, 30)",
        "2.0",
        "run/test_policy.py::test_the_pause_doubles_up_to_a_ceiling_and_has_jitter",
    ),
    Broken(
        "a clock that is set back delays a further attempt",
        "run/policy.py",
        "return at <= now or at - now > DELAY_MAX",
        "return at <= now",
        RUN + "test_a_clock_that_is_set_back_delays_no_retry_for_long",
    ),
    Broken(
        "a timeout counts from when a worker is given the node",
        "executors/process.py",
        "        worker.begun = time.monotonic()\n",
        "        worker.begun = time.monotonic()\n"
        "        if job.attempt.task.timeout is not None:\n"
        "            late = partial(self._end, job.attempt, timed_out(job.attempt))\n"
        "            self._reactor.later(job.attempt.task.timeout, late)\n",
        ENDED + "test_a_timeout_counts_from_the_start_of_the_function_and_for_each_attempt",
    ),
]

RESUMED = [
    Broken(
        "resume forgets the run's parameters",
        "api.py",
        'for_nodes(program, head.get("parameters", {}))',
        "for_nodes(program, program.flow.parameters)",
        LOST + "test_a_resumed_run_keeps_its_graph_and_its_parameters[embedded]",
    ),
    Broken(
        "new code is not shown",
        "api.py",
        '        watch.note(f"the code has changed since, and runs as it is now: {text}")',
        "        pass",
        LOST + "test_new_code_is_shown_and_runs[embedded]",
    ),
    Broken(
        "a run is taken before its functions are looked for",
        "api.py",
        "    program = program or _rebound(state)\n"
        "    for text in _changed(state.flow, program.flow):\n"
        "        watch",
        "    journal, state = _take_over(store, run_id, seq, state, force, watch)\n"
        "    program = program or _rebound(state)\n"
        "    for text in _changed(state.flow, program.flow):\n"
        "        watch",
        LOST + "test_a_function_that_is_gone_leaves_the_run_resumable[embedded]",
    ),
]

OUTSIDE = [
    Broken(
        "clean destroys what the journal did not intend",
        "providers/sweep.py",
        'if provider.mark(i.tag) == one.mark), "")',
        'if True), "")',
        "providers/test_sweep.py",
    ),
    Broken(
        "clean destroys what a living engine uses",
        "providers/sweep.py",
        "    if store.owner(one.run).alive is not False:",
        "    if False:",
        "providers/test_sweep.py",
    ),
]

STORES = [
    Broken(
        "a store that is away is told at each try",
        "engine/patience.py",
        "        if self._away is None:\n            self._away = began\n",
        "        if True:\n            self._away = began\n",
        AWAY + "test_a_server_that_stays_away[at a commit]",
    ),
    Broken(
        "a store is waited for without end",
        "engine/patience.py",
        "if self._ticks() - began >= self._seconds or self._over():",
        "if self._over():",
        "engine/test_store_away.py::test_a_store_that_stays_away_ends_the_engine[memory]",
    ),
    Broken(
        "a full disk is waited for",
        "store/sqlite_file.py",
        '    sqlite3.SQLITE_FULL: "the disk or the quota is full: make room, then resume",\n',
        "",
        "store/test_faults.py::test_an_error_says_whether_waiting_helps",
    ),
    Broken(
        "a full disk is waited for by large values",
        "store/files.py",
        '"ENOSPC", ',
        "",
        "store/test_files.py::test_a_failed_write_leaves_nothing_and_says_whether_it_will_pass",
    ),
    Broken(
        "a store that was taken away is written on",
        "store/sqlite_file.py",
        "        if _place(self.path) != self._place:\n",
        "        if False:\n",
        AWAY + "test_a_store_that_is_taken_away_in_the_middle[moved]",
    ),
    Broken(
        "Ctrl-C does not say who holds the store",
        "store/locks.py",
        "            if _hurried and not hurried:\n",
        "            if False:\n",
        AWAY + "test_ctrl_c_says_what_is_waited_for_and_a_second_one_ends_it",
    ),
    Broken(
        "what ran when the store refused runs on",
        "engine/loop.py",
        "            going.over = True\n            self._end_attempt(going)\n"
        "        self._stop()\n",
        "            going.over = True\n        self._stop()\n        self.launcher.close = bool\n",
        AWAY + "test_a_full_disk[in the journal]",
    ),
    Broken(
        "the line that resumes is not said when the store fails",
        "cli/run.py",
        'screen.say(f"go on with it: cms flow resume',
        'str(f"go on with it: cms flow resume',
        AWAY + "test_a_full_disk[in the journal]",
    ),
]

#: By the sections of docs/guarantees.md.
BROKEN = {
    "Every run ends": ENDS,
    "What is recorded": RECORDED,
    "What runs again": AGAIN,
    "One owner": OWNERS,
    "Stopped": STOPPED,
    "Attempts": TRIED,
    "Resume": RESUMED,
    "Made outside": OUTSIDE,
    "The store": STORES,
}
