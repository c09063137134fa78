"""`tools/elastic.py render`: the manifests of a deployment on Kubernetes: checked, written, applied on request."""

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from common.commands.main import add_config_arguments, open_config
from common.errors import ConfigError, EnvironmentProblem, KitError
from common.log import logger
from deploy.kubernetes.check import check_manifests
from deploy.kubernetes.manifests import HTTP, PORTS, manifests
from deploy.kubernetes.old_words import old_overrides, read_slots
from deploy.kubernetes.options import check_options, read_options

RUNS = "/runs"  # in the pods


class Plain(yaml.SafeDumper):
    """YAML without references between its parts."""

    def ignore_aliases(self, data):
        """True: what occurs twice is written twice."""
        return True


def add_options(parser):
    """Adds the options of the command."""
    add_config_arguments(parser)
    add = parser.add_argument
    add("--options", metavar="FILE", help="of the deployment: name, image, workers, ...; see docs/elastic.md")
    add("--out", metavar="DIR", default="k8s", help="where the manifests go (default: k8s)")
    add("--image", help="short for image: of the options")
    add("--apply", action="store_true", help="give them to kubectl, which must be able to reach the cluster")
    add("-u", "--cpu", metavar="CPU", help="of each worker")
    add("-m", "--mem", metavar="GB", type=int, help="of each worker")
    add("-t", "--trainers", metavar="N", type=int, help="workers")
    add("-p", "--pservers", metavar="N", type=int, help="shards")
    add("-b", "--kv-shards", metavar="N", type=int, help="pods that serve; each maps the whole tables")
    add("-s", "--slot-conf", metavar="FILE", help="a slot per line; sets slots: of the configuration")
    add("-f", "--data-config", metavar="FILE", help="data.config of ElasticCTR, KEY=VALUE lines; read, never run")


def execute(args):
    """Runs the command."""
    options = check_options(chosen(args), args.options or "--options")
    numbers = [f"elastic.workers={options.workers.count}", f"elastic.shards={options.shards.count}"]
    args.override = [*args.override, f"output_dir={RUNS}", *numbers, *old_words(args)]
    config = open_config(args, None)
    if config is None:
        return 0
    out = Path(args.out)
    write(manifests(options, config.dump(), str(config.run_folder)), out)
    sys.stdout.write(f"{out}: {', '.join(sorted(path.name for path in out.glob('*.yml')))}\n")
    if args.apply:
        apply(out)
    head = f"svc/{options.name}-head-svc" if options.kind == "RayCluster" else "svc/<the head's, see kubectl get svc>"
    logger.info("status page: kubectl port-forward %s %d, then http://127.0.0.1:%d", head, *[PORTS["dashboard"]] * 2)
    if options.serving is not None:
        logger.info("requests: kubectl port-forward svc/%s-serving %d", options.name, HTTP)
    return 0


def old_words(args):
    """The overrides of the configuration that -s and -f mean (list[str])."""
    found = []
    if args.slot_conf:
        slots = read_slots(args.slot_conf)
        found += [f"slots=[{', '.join(map(str, slots))}]", f"model.num_slots={len(slots)}"]
    if args.data_config:
        found += old_overrides(args.data_config)
    return found


def chosen(args):
    """The options of the file, with those of the command line (Options)."""
    options = read_options(args.options)
    options.image = args.image or options.image
    options.workers = dataclasses.replace(
        options.workers,
        cpu=args.cpu or options.workers.cpu,
        memory=options.workers.memory if args.mem is None else f"{args.mem}Gi",
        count=options.workers.count if args.trainers is None else args.trainers,
    )
    if args.pservers is not None:
        options.shards.count = args.pservers
    if args.kv_shards is not None:
        if options.serving is None:
            raise ConfigError(f"-b {args.kv_shards}: {args.options}: serving is null, so no pod serves")
        options.serving.replicas = args.kv_shards
    return options


def write(documents, folder):
    """Writes checked manifests; files of an earlier rendering are replaced.

    Args:
        documents (dict[str, dict]): by the names of their files.
        folder (Path): where to.

    Raises:
        KitError: a manifest breaks its schema or names what is not there.
    """
    if problems := check_manifests(documents):
        raise KitError("the manifests are wrong, nothing was written:\n  " + "\n  ".join(problems))
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.yml"):
        path.unlink()
    for name, document in documents.items():
        text = yaml.dump(document, Dumper=Plain, sort_keys=False, allow_unicode=True)
        (folder / name).write_text(text, encoding="utf-8")


def apply(folder):
    """Gives the manifests of a folder to kubectl.

    Raises:
        EnvironmentProblem: kubectl is not here, or refuses them.
    """
    program = shutil.which("kubectl")
    if program is None:
        raise EnvironmentProblem(
            "--apply needs kubectl, which is not here\n  fix: https://kubernetes.io/docs/tasks/tools"
        )
    done = subprocess.run([program, "apply", "-f", str(folder)], capture_output=True, text=True)
    sys.stdout.write(done.stdout)
    if done.returncode:
        raise EnvironmentProblem(f"kubectl apply -f {folder}: {done.stderr.strip()[:1000]}")
