"""The supervisor of a run: starts its members, watches them, commits, publishes, and rolls back after a death.

A worker that dies gives back its part; nothing else happens.  After the death of a shard, of the dense parameters or of
the coordinator all of them go back to the last commit together, under a new run number: messages of the run before are
refused, so that no row learns anything twice.
"""

import json
import shutil
import time
from pathlib import Path

from common.elastic import members
from common.elastic.cluster import Links
from common.elastic.commits import BUCKETS, CommitDraft, check_fits, latest_commit
from common.elastic.shard import RunOver
from common.errors import EnvironmentProblem
from common.log import logger
from common.table.versions import published_versions
from common.weights.manifest import read_manifest
from common.weights.safetensors import write_atomically

LOG = "log.txt"  # in <run>/elastic, what the supervisor logs
WISHES = "wanted.json"  # in <run>/elastic, see follow_wishes
PATIENCE = 300.0  # seconds in which a member that died has to come back
MOST_DEATHS = 50  # failed calls of a worker in a row; while it starts again several fail


class Supervisor:
    """Runs a training by several processes.

    Args:
        config (Config): checked.
        config_path (str): a file that all members can read.
        tables (dict[str, dict]): what the shards hold.
        cluster (object): starts and calls members.
        workers (int): that are wanted.
        shards (int): number of shards.
    """

    def __init__(self, config, config_path, tables, cluster, workers, shards):
        self.settings, self.config_path, self.tables = config.settings("elastic"), str(config_path), tables
        self.cluster, self.wanted, self.count, self.wanted_shards = cluster, workers, shards, shards
        self.folder, self.should_stop = Path(config.run_folder).resolve(), bool
        self.commits, self.published = self.folder / "commits", self.folder / "published"
        self.workers, self.deaths, self.pulses, self.asked = {}, {}, {}, {}
        self.stopping, self.ending, self.restarts, self.hours = False, None, 0, []
        self.publisher, self.publishing, self.to_publish, self.commit, self.facts = None, None, [], None, {}

    def run(self):
        """Runs until the stream ends or :meth:`stop` was called. Returns the reason (str)."""
        self.start()
        try:
            while not self.turn():
                time.sleep(self.cluster.pause)
        finally:
            self.cluster.close()
            self.write_status("ended")
        return self.ending

    def start(self):
        """Starts all members, from the last commit where there is one."""
        start, path = self.cluster.start, self.config_path
        self.coordinator = start(members.make_coordinator, path, self.wanted)
        self.shards = self.start_shards()
        self.dense = start(members.make_dense, path)
        folder, manifest = latest_commit(self.commits)
        self.number = manifest["number"] if manifest else 0
        self.run_number = manifest["run"] if manifest else 0
        if manifest:
            check_fits(manifest, tables=self.tables)
            logger.info("resuming from %s: hour %s", folder, manifest["hour"])
            ended = manifest.get("ended")
            if ended and ended["version"] not in published_versions(self.published):
                self.to_publish.append((folder, ended))
        self.commit, self.facts = folder, manifest or {}
        self.roll_back()

    def start_shards(self):
        """Starts as many shards as are wanted; they have nothing before a run begins (list)."""
        self.count = self.wanted_shards
        given = [(self.config_path, number, self.count, self.tables) for number in range(self.count)]
        return [self.cluster.start(members.make_shard, *arguments) for arguments in given]

    # Watching --------------------------------------------------------------------------------------------------------

    def roll_back(self, why=None):
        """Takes shards, dense parameters and coordinator to the last commit, under a new run number."""
        if why:
            self.restarts += 1
            logger.warning("%s: back to %s", why, self.commit or "the beginning")
        self.run_number += 1
        commit = str(self.commit) if self.commit else None
        for member in (*self.shards, self.dense, self.coordinator):
            self.insist(lambda member=member: self.cluster.get(member.begin.remote(self.run_number, commit)))
        self.insist(lambda: self.cluster.get(self.coordinator.want.remote(self.wanted)))
        self.pulses, self.asked = {}, {}

    def insist(self, call):
        """The answer of a call, made again while its member is gone; raises EnvironmentProblem after a time."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return call()
            except Exception as error:
                if not self.cluster.is_lost(error):
                    raise
                if time.monotonic() > end:
                    raise EnvironmentProblem(f"a member did not come back within {PATIENCE:g} seconds") from error
                time.sleep(self.cluster.pause)

    def members(self):
        """The members that follow the run: name -> member."""
        shards = {f"shard {number}": member for number, member in enumerate(self.shards)}
        return shards | {"dense": self.dense, "coordinator": self.coordinator}

    def watch(self):
        """Asks every member for its pulse; rolls back if one has begun again. Returns whether all follow the run."""
        for name, member in self.members().items():
            if name not in self.asked:
                self.asked[name] = member.pulse.remote()
            if not self.cluster.ready(self.asked[name]):
                continue
            try:
                self.pulses[name] = self.cluster.get(self.asked.pop(name))
            except Exception as error:
                if not self.cluster.is_lost(error):
                    raise
                if self.pulses.pop(name, None):
                    logger.warning("%s is gone; it is started again", name)
                continue
            if self.pulses[name]["run"] != self.run_number:
                self.roll_back(f"{name} was started again")
                return False
        return len(self.pulses) == len(self.members())

    def tend_workers(self):
        """Starts the workers that are wanted, gives back the parts of dead ones, and lets the others work."""
        for number in range(self.wanted if self.wants_workers() else 0):
            if number not in self.workers:
                member = self.cluster.start(members.make_worker, self.config_path, number, self.links())
                self.workers[number] = (member, self.cluster.work(member))
        for number, (member, answer) in list(self.workers.items()):
            if not self.cluster.ready(answer):
                continue
            try:
                found = self.cluster.get(answer)
                self.deaths[number] = 0
            except Exception as error:
                if not self.cluster.is_lost(error):
                    raise
                found = self.lost_worker(number, error)
            if found == "stop":
                self.deaths.pop(number, None)
                self.cluster.stop(member)
                del self.workers[number]
            else:
                self.workers[number] = (member, self.cluster.work(member))

    def wants_workers(self):
        """True unless the run is to stop, or the coordinator has nothing more to lease, ever (as far as is known)."""
        lead = self.pulses.get("coordinator")
        return not self.stopping and lead is not None and not lead["end"]

    def lost_worker(self, number, error):
        """Gives back what a dead worker had; raises EnvironmentProblem if it dies again and again."""
        self.deaths[number] = self.deaths.get(number, 0) + 1
        if self.deaths[number] > MOST_DEATHS:
            raise EnvironmentProblem(f"worker {number} dies again and again: {str(error).splitlines()[0]}")
        try:
            back = self.cluster.get(self.coordinator.release.remote(number))
        except Exception as other:
            if not self.cluster.is_lost(other):
                raise
            back = 0
        if back:
            self.restarts += 1
            logger.warning("worker %d is gone; its part is given to another", number)
        time.sleep(self.cluster.pause)
        return "part"

    def links(self):
        """Links of a worker to the other members."""
        return Links(self.cluster, self.coordinator, self.shards, self.dense)

    # Turns -----------------------------------------------------------------------------------------------------------

    def turn(self):
        """One look at everything. Returns whether the run has ended."""
        self.follow_wishes()
        self.stopping = self.stopping or self.should_stop()
        self.tend_workers()
        self.tend_publisher()
        self.write_status("running")
        try:
            if self.watch():
                return self.proceed(self.pulses["coordinator"]["due"])
        except RunOver:
            logger.debug("a member has begun again")
        except Exception as error:
            if not self.cluster.is_lost(error):
                raise
            logger.warning("a member is gone: %s", str(error).splitlines()[0])
        return False

    def proceed(self, due):
        """Commits and ends as far as it is due. Returns whether the run has ended."""
        if self.stopping and due != "hour":
            self.cluster.get(self.coordinator.stop.remote())
            due = "end"
        moves = self.wanted_shards != self.count and due != "end"
        if due in ("hour", "commit") or moves:
            if self.cluster.get(self.coordinator.quiet.remote()):
                self.make_commit(due == "hour")
                if moves:
                    self.exchange_shards()
            return False
        if due != "end" or self.workers or self.publishing or self.to_publish:
            return False
        end = self.pulses["coordinator"]["end"]
        if not self.cluster.get(self.coordinator.quiet.remote()):
            logger.warning("a worker died during the stop: what was learned since commit %d is left out", self.number)
        elif self.pulses["coordinator"]["parts"]["done"]:
            self.make_commit(False)
        self.ending = "stopped" if self.stopping else end
        return True

    def make_commit(self, hour_ended):
        """Writes a commit of all members, at a moment when no part is begun."""
        begun, get = time.monotonic(), self.cluster.get
        ended = get(self.coordinator.end_hour.remote()) if hour_ended else None
        draft = CommitDraft(self.commits, self.number + 1)
        entries, facts = get(self.coordinator.snapshot.remote(self.run_number, str(draft.folder)))
        oldest = facts["hour"] - self.settings.evict_hours if self.settings.evict_hours and hour_ended else 0
        answers = [m.snapshot.remote(self.run_number, str(draft.folder), oldest) for m in self.shards]
        answers.append(self.dense.snapshot.remote(self.run_number, str(draft.folder)))
        for found in get(answers):
            entries |= found
        steps = get(self.dense.pulse.remote())["steps"]
        ended = ended and ended | {"hour": facts["hour"] - 1}
        facts |= {"run": self.run_number, "steps": steps, "tables": self.tables, "ended": ended}
        self.commit = draft.finish(entries, facts, self.settings.keep)
        self.number, self.facts = self.number + 1, read_manifest(self.commit)
        get(self.coordinator.resume.remote())
        self.pulses.pop("coordinator", None)  # what it says is due has been done
        self.asked.pop("coordinator", None)
        logger.info("commit %d: %.2f s", self.number, time.monotonic() - begun)
        if ended:
            self.note_hour(ended)

    def exchange_shards(self):
        """Puts the number of shards that is wanted in the place of those that are there; all begin at the commit."""
        logger.info("shards: %d -> %d", self.count, self.wanted_shards)
        for member in [member for member, _ in self.workers.values()] + self.shards:  # workers know the old shards
            self.cluster.stop(member)
        self.workers, self.deaths = {}, {}
        self.shards = self.start_shards()
        self.roll_back()

    def note_hour(self, ended):
        """Logs the scores of an hour that ended, and has it published unless it had no rows."""
        text = ", ".join(f"{name} {value:.4f}" for name, value in ended["scores"].items())
        logger.info("hour %s: %d rows, %s", ended["version"], ended["rows"], text or "no scores")
        self.hours = [*self.hours[-99:], ended]
        if ended["rows"]:
            self.to_publish.append((self.commit, ended))

    def tend_publisher(self):
        """Publishes the hours that ended, one after another; a publisher that died does its work again."""
        if self.publishing:
            answer, what = self.publishing
            if not self.cluster.ready(answer):
                return
            self.publishing = None
            try:
                logger.info("published %s", self.cluster.get(answer))
                self.to_publish.remove(what)
            except Exception as error:
                if not self.cluster.is_lost(error):
                    raise
                logger.warning("the publisher is gone; it is started again")
        if self.to_publish:
            if self.publisher is None:
                self.publisher = self.cluster.start(members.make_publisher, self.config_path)
            self.to_publish = self.to_publish[1 - self.settings.keep :]  # the commits of older ones are gone soon
            what = commit, ended = self.to_publish[0]
            given = (str(commit), str(self.published), ended["version"], ended["hour"], ended["scores"])
            self.publishing = self.publisher.publish.remote(*given, self.settings.keep), what

    def follow_wishes(self):
        """Does what `tools/elastic.py scale` and `down` ask for, in a file that is removed then."""
        file = self.folder / "elastic" / WISHES
        try:
            wishes = json.loads(file.read_text(encoding="utf-8"))
            file.unlink()
        except FileNotFoundError:
            return
        except ValueError:
            logger.warning("%s is not JSON and is ignored", file)
            file.unlink()
            return
        if wishes.get("stop"):
            self.stop()
        if isinstance(wishes.get("workers"), int) and wishes["workers"] > 0:
            self.scale(wishes["workers"])
        if isinstance(wishes.get("shards"), int) and 0 < wishes["shards"] <= BUCKETS:
            self.wanted_shards = wishes["shards"]

    def stop(self):
        """Ends the run after the parts that workers have, with a commit."""
        self.stopping = True

    def scale(self, workers):
        """Sets the number of workers."""
        logger.info("workers: %d -> %d", self.wanted, workers)
        self.wanted = workers
        self.insist(lambda: self.cluster.get(self.coordinator.want.remote(workers)))

    def write_status(self, state):
        """Writes status.json, which `tools/elastic.py status` reads."""
        found = {
            "state": state,
            "time": time.time(),
            "run": self.run_number,
            "commit": self.number,
            "workers": sorted(self.workers),
            "wanted": self.wanted,
            "restarts": self.restarts,
            "reason": self.ending,
            "members": self.pulses,
            "hours": self.hours[-24:],
            "published": published_versions(self.published)[-1:],
        }
        write_atomically(self.folder / "elastic" / "status.json", [json.dumps(found).encode()])


def remove_run(folder):
    """Removes what a run of this kind has written to a folder, and nothing else; `up` writes to its log already."""
    folder = Path(folder)
    for path in [folder / "commits", folder / "published", *(folder / "elastic").glob("*")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOG:
            path.unlink(missing_ok=True)
