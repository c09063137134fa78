"""Manifests for Kubernetes: every combination of options passes its schemas, and planted faults are named."""

import copy
import itertools
import os
import re
import subprocess

import pytest
import yaml

from common.config.kits import ROOT
from common.errors import ConfigError, KitError
from deploy.kubernetes.check import check_manifests, templates
from deploy.kubernetes.manifests import manifests
from deploy.kubernetes.old_words import old_overrides, read_slots
from deploy.kubernetes.options import Options, check_options, fill, read_options
from deploy.kubernetes.render import write
from tools import elastic

pytest.importorskip("jsonschema")
IMAGE = {"image": "registry.example/kits:1"}
RAY, HPA = "ray.yml", "autoscaler.yml"
GROUP = ("spec", "rayClusterSpec", "workerGroupSpecs", 1)
MEMORY = (*GROUP, "template", "spec", "containers", 0, "resources", "limits", "memory")


def made(**tree):
    return manifests(check_options(fill(Options(), {**IMAGE, **tree}, "x.yml", "")), "kit: PaddleRec\n", "/runs/x")


CHOICES = {
    "kind": ("RayJob", "RayCluster"),
    "serving": (None, {}, {"replicas": 2, "most": 5, "key_secret": "key"}),
    "storage": ({}, {"claim": "disk"}, {"storage_class": "fast", "size": 5}),
    "data_claim": ("", "hours"),
    "pull_secret": ("", "registry"),
    "workers": ({}, {"count": 3, "most": 9, "cpu": "500m", "memory": "1.5Gi"}),
}


def check_choice(chosen):
    """Checks that the manifests of some options pass, and that those that they ask for are there."""
    found = made(**chosen)
    assert check_manifests(found) == [], chosen
    assert (HPA in found) == bool((chosen.get("serving") or {}).get("most"))
    assert ("claim.yml" in found) != bool(chosen.get("storage", {}).get("claim"))


def test_every_choice_of_an_option_passes_the_schemas():
    for name, values in CHOICES.items():
        for value in values[1:]:
            check_choice({name: value})
    check_choice({name: values[-1] for name, values in CHOICES.items()})


@pytest.mark.slow
def test_every_combination_of_options_passes_the_schemas():
    for values in itertools.product(*CHOICES.values()):
        check_choice(dict(zip(CHOICES, values)))


FAULTS = [  # file, place, value (None: taken out), what is said
    (RAY, ("spec", "submissionMode"), "K8sMode", "ray.yml: spec.submissionMode: 'K8sMode' is not one of K8sJobMode"),
    (RAY, ("spec", "backofLimit"), 3, "'backofLimit' was unexpected"),
    (RAY, ("spec", "backoffLimit"), "3", "ray.yml: spec.backoffLimit: '3' is not of type 'integer'"),
    (RAY, (*GROUP, "groupName"), None, "workerGroupSpecs.1: 'groupName' is a required property"),
    (RAY, (*GROUP, "minReplicas"), 7, "workerGroupSpecs.1.minReplicas: 7 to 4 replicas, and 2 now"),
    (RAY, (*GROUP, "rayStartParams", "resources"), '{"trainer": 1}', "is no quoted JSON of names and numbers"),
    (RAY, (*GROUP, "template", "spec", "containers", 0, "imagee"), "x", "'imagee' was unexpected"),
    (RAY, (*MEMORY,), "1Gi", "requests memory 8Gi"),
    (RAY, (*MEMORY,), "8 GB", "'8 GB' does not match"),
    (RAY, (*GROUP, "template", "spec", "securityContext", "runAsNonRoot"), False, "True was expected"),
    (RAY, (*GROUP, "template", "spec", "volumes"), [], "trainer mounts 'runs', which is no volume"),
    ("configmap.yml", ("metadata", "name"), "other", "there is no ConfigMap elastic-ctr-config"),
    ("configmap.yml", ("data", "n"), 1, "configmap.yml: data.n: 1 is not of type 'string'"),
    ("claim.yml", ("spec", "accessModes"), ["ReadWriteAll"], "'ReadWriteAll' is not one of"),
    ("serving.yml", ("spec", "template", "metadata", "labels"), {"a": "b"}, "its own pods have other labels"),
    ("serving.yml", ("spec", "template", "spec", "containers", 0, "env"), [{"name": "KIT_API_KEY", "value": "x"}],
     "KIT_API_KEY is written out; refer to a Secret"),
    ("service.yml", ("spec", "selector"), {"app": "x"}, "service.yml: spec.selector: no pod has these labels"),
    (HPA, ("spec", "scaleTargetRef", "name"), "x", "there is no Deployment x"),
    (HPA, ("spec", "scaleTargetRef"), {"apiVersion": "ray.io/v1", "kind": "RayJob", "name": "elastic-ctr"},
     "only serving is scaled by load"),
    (HPA, ("spec", "minReplicas"), 0, "0 is less than the minimum of 1"),
    ("network.yml", ("kind",), "NetworkPolice", "network.yml: kind is 'NetworkPolice'"),
    ("network.yml", ("spec", "policyTypes"), "Ingress", "is not of type 'array'"),
]  # fmt: skip


@pytest.fixture(scope="module")
def whole():
    return made(workers={"most": 4}, serving={"replicas": 2, "most": 4})


@pytest.mark.parametrize(("file", "place", "value", "message"), FAULTS)
def test_a_planted_fault_is_named(whole, file, place, value, message):
    documents = copy.deepcopy(whole)
    inner = documents[file]
    for key in place[:-1]:
        inner = inner[key]
    if value is None:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    problems = check_manifests(documents)
    assert [problem for problem in problems if message in problem], problems


def test_wrong_manifests_are_not_written(whole, tmp_path):
    (tmp_path / "old.yml").write_text("")
    with pytest.raises(
        KitError, match=r"nothing was written:\n  network\.yml: kind is None(.|\n)*ray\.yml: spec: entry"
    ):
        write({**whole, RAY: {**whole[RAY], "spec": {}}} | {"network.yml": {}}, tmp_path)
    assert os.listdir(tmp_path) == ["old.yml"]
    write(whole, tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(whole)
    assert yaml.safe_load((tmp_path / RAY).read_text()) == whole[RAY] and "&" not in (tmp_path / RAY).read_text()


def test_nothing_runs_as_root_and_only_the_service_is_scaled_by_load(whole):
    pods = [pod["spec"] for document in whole.values() for _, pod in templates(document)]
    assert len(pods) == 5 and all(pod["securityContext"]["runAsNonRoot"] for pod in pods)
    assert whole[HPA]["spec"]["scaleTargetRef"]["kind"] == "Deployment"
    assert whole["service.yml"]["spec"]["type"] == "ClusterIP"
    assert "replicas" not in whole["serving.yml"]["spec"]  # another apply must not undo the autoscaler


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"worker": {}}, "x.yml: the file: there is no 'worker'; did you mean 'workers'"),
        ({"workers": {"cpus": 1}}, "x.yml: workers: there is no 'cpus'; did you mean 'cpu'"),
        ({"workers": {"count": "2"}}, "workers.count is '2'; it takes a number"),
        ({"workers": 3}, "workers is 3; it takes keys"),
        ({"workers": {"count": 3, "most": 2}}, "workers.most is 2; allowed: 3 to"),
        ({"workers": {"memory": "8 GB"}}, "workers.memory is '8 GB'; it takes a quantity"),
        ({"workers": {"cpu": 0}}, "workers.cpu is '0'"),
        ({"shards": {"most": 3}}, "shards has a fixed number"),
        ({"name": "Elastic_CTR"}, "name is 'Elastic_CTR'"),
        ({"kind": "Job"}, "kind is 'Job'; it takes RayJob or RayCluster"),
        ({"image": ""}, "image is missing"),
    ],
)
def test_a_wrong_option_is_named_with_its_key(tree, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        made(**tree)


def test_the_example_of_the_options_is_whole_and_wrong_files_are_refused(tmp_path):
    options = check_options(read_options(ROOT / "deploy/kubernetes/example.yml"))
    assert options.workers.most == 8 and options.workers.cpu == "4" and options.serving.key_secret == "serving-key"
    with pytest.raises(ConfigError, match="No such file"):
        read_options(tmp_path / "none.yml")
    (tmp_path / "x.yml").write_text("a: [")
    with pytest.raises(ConfigError, match=r"x\.yml:\d: no YAML: expected"):
        read_options(tmp_path / "x.yml")


def test_the_old_words_render_the_same_deployment(tmp_path, capsys):
    (tmp_path / "slot.conf").write_text("101\n102\n# more\n7\n")
    (tmp_path / "data.config").write_text(
        'export HDFS_UGI=user,word\nSTART_DATE_HR=20200401/00\nEND_DATE_HR="20200402/05"\n'
        "DATASET_PATH=/data/x # hours\nSPARSE_DIM='5003'\n"
    )
    words = (
        f"render -c configs/slot_dnn_stream.yml --image i:1 -u 3 -m 20 -t 4 -p 2 -b 5 --out {tmp_path / 'k8s'}".split()
    )
    with pytest.raises(SystemExit) as ended:
        elastic.main([*words, "-s", str(tmp_path / "slot.conf"), "-f", str(tmp_path / "data.config")])
    assert not ended.value.code, capsys.readouterr().err
    found = {path.name: yaml.safe_load(path.read_text()) for path in (tmp_path / "k8s").iterdir()}
    config = yaml.safe_load(found["configmap.yml"]["data"]["config.yml"])
    assert config["model"]["num_slots"] == 3 and config["model"]["num_ids"] == 5003
    assert config["data"]["train"]["root"] == "/data/x" and config["train"]["epochs"] == 30
    shards, trainers = found[RAY]["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    assert (shards["replicas"], trainers["replicas"]) == (2, 4)
    assert trainers["template"]["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "3", "memory": "20Gi"}
    assert found["serving.yml"]["spec"]["replicas"] == 5
    assert "user,word" not in "".join(path.read_text() for path in (tmp_path / "k8s").iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("DATASET_PATH=$(touch hacked)\n", "line 1: 'DATASET_PATH=$(touch hacked)' is not KEY=VALUE"),
        ("DATASET_PATH=`id`\n", "line 1: DATASET_PATH has a character that a shell would act on"),
        ('\nDATASET_PATH="$HOME"\n', "line 2: DATASET_PATH has a character"),
        ("rm -rf x\n", "line 1: 'rm -rf x' is not KEY=VALUE"),
        ("DATASET_PAHT=/x\n", "did you mean 'DATASET_PATH'"),
        ("SPARSE_DIM=1\nSPARSE_DIM=2\n", "line 2: SPARSE_DIM is there twice"),
        ("SPARSE_DIM=many\n", "SPARSE_DIM is 'many'"),
        ("START_DATE_HR=20201301/00\n", "START_DATE_HR is '20201301/00'"),
        ("START_DATE_HR=20200402/00\nEND_DATE_HR=20200401/00\n", "END_DATE_HR is before"),
    ],
)
def test_a_data_config_is_read_and_never_run(tmp_path, text, message):
    (tmp_path / "data.config").write_text(text)
    with pytest.raises(ConfigError, match=re.escape(message)):
        old_overrides(tmp_path / "data.config")


def test_a_wrong_slot_is_named_with_its_line(tmp_path):
    for text, message in (
        ("1\nx\n", "line 2: 'x' is no slot"),
        ("1\n1\n", "line 2: slot 1 is on line 1"),
        ("", "0 slots"),
    ):
        (tmp_path / "slot.conf").write_text(text)
        with pytest.raises(ConfigError, match=message):
            read_slots(tmp_path / "slot.conf")


def test_the_old_script_passes_its_words_on(tmp_path):
    (tmp_path / "python").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "python").chmod(0o755)
    script = ROOT / "deploy/kubernetes/elastic-control.sh"

    def said(*words):
        environment = {"PATH": os.environ["PATH"], "PYTHON": str(tmp_path / "python"), "OPTIONS": "/x y.yml"}
        done = subprocess.run([script, *words], capture_output=True, text=True, env=environment, cwd="/")
        return done.returncode, done.stdout.strip() + done.stderr.strip()

    base = "-c PaddleRec/configs/ranking/slot_dnn_stream.yml"
    assert said("-r", "-u", "4", "-m", "20") == (0, f"tools/elastic.py render {base} -u 4 -m 20 --options /x y.yml")
    assert said("-a") == (0, f"tools/elastic.py render --apply {base} --options /x y.yml")
    assert said("-l") == (0, f"tools/elastic.py logs {base}")
    assert said("-x")[0] == 2 and "there is no '-x'" in said("-x")[1]
    assert said()[0] == 0 and "elastic-control.sh -r" in said()[1]


def test_everything_that_the_image_copies_is_here():
    text = (ROOT / "deploy/kubernetes/Dockerfile").read_text()
    sources = [word for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE) for word in line.split()]
    assert len(sources) > 5 and not [name for name in sources if not (ROOT / name).exists()]
    assert "--require-hashes" in text and re.search(r"^USER [1-9]", text, re.MULTILINE)
