"""The manifests of a deployment, as Python objects.

RayJob or RayCluster      trains: a head, shards (fixed), workers (between count and most)
ConfigMap                 the configuration
PersistentVolumeClaim     commits and published versions
Deployment, Service, HorizontalPodAutoscaler    serve what is published; nothing of the training is scaled by load
NetworkPolicy             lets only pods of this deployment and the operator reach Ray, which asks for no password
"""

import json

RAY = "2.60.0"
PORTS = {"gcs": 6379, "dashboard": 8265, "client": 10001, "metrics": 8080}
HTTP = 8866
PART = "app.kubernetes.io/part-of"
COMPONENT = "app.kubernetes.io/component"
USER = 1000  # of the Dockerfile


def manifests(options, config_text, run):
    """All manifests, by the names of their files (dict[str, dict]).

    Args:
        options (Options): checked.
        config_text (str): the completed configuration, whose paths are those inside of the pods.
        run (str): the folder of the run inside of the pods, below /runs.
    """
    name = options.name
    found = {
        "configmap.yml": named(options, "v1", "ConfigMap", f"{name}-config", data={"config.yml": config_text}),
        "network.yml": network(options),
        "ray.yml": ray_job(options) if options.kind == "RayJob" else ray_cluster_alone(options),
    }
    if not options.storage.claim:
        found["claim.yml"] = named(options, "v1", "PersistentVolumeClaim", f"{name}-runs", spec=claim(options.storage))
    if options.serving is not None:
        found["serving.yml"] = deployment(options, f"{run}/published")
        found["service.yml"] = named(
            *(options, "v1", "Service", f"{name}-serving"),
            spec={
                "type": "ClusterIP",
                "selector": labels(options, "serving"),
                "ports": [{"name": "http", "port": HTTP, "targetPort": "http", "protocol": "TCP"}],
            },
        )
        if options.serving.most > options.serving.replicas:
            found["autoscaler.yml"] = autoscaler(options)
    return found


def named(options, version, kind, name, **rest):
    """A manifest with its head."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": {PART: options.name}}, **rest}


def labels(options, component):
    """The labels by which pods are found."""
    return {PART: options.name, COMPONENT: component}


def claim(storage):
    """The spec of the volume claim: several pods of several nodes write to it."""
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": storage.size}}}
    return spec | ({"storageClassName": storage.storage_class} if storage.storage_class else {})


def entry(options):
    """The command that trains, run where Ray is up; Ray resumes it from the last commit when it is run again."""
    numbers = f"--workers {options.workers.count} --shards {options.shards.count}"
    return f"python tools/elastic.py up --foreground --address auto -c /etc/elastic/config.yml {numbers}"


def ray_job(options):
    """The RayJob, which starts the training and, up to `retries` times, starts it again."""
    spec = {
        "submissionMode": "K8sJobMode",
        "entrypoint": entry(options),
        "shutdownAfterJobFinishes": True,
        "ttlSecondsAfterFinished": 600,
        "backoffLimit": options.retries,
        "rayClusterSpec": ray_cluster(options),
        "submitterPodTemplate": pod(options, "submitter", "submitter", Size("500m", "500Mi"), [], restart="Never"),
    }
    return named(options, "ray.io/v1", "RayJob", options.name, spec=spec)


def ray_cluster_alone(options):
    """The RayCluster, for trainings that are started by hand."""
    return named(options, "ray.io/v1", "RayCluster", options.name, spec=ray_cluster(options))


def ray_cluster(options):
    """The spec of the cluster; the number of worker pods follows the actors that the coordinator asks for."""
    ports = [{"name": name, "containerPort": port} for name, port in PORTS.items()]
    head = pod(options, "head", "ray-head", options.head, ports)
    return {
        "rayVersion": RAY,
        "enableInTreeAutoscaling": True,
        "autoscalerOptions": {"version": "v2", "idleTimeoutSeconds": 60, "upscalingMode": "Default"},
        "headGroupSpec": {"rayStartParams": {"num-cpus": "0", "dashboard-host": "0.0.0.0"}, "template": head},  # noqa: S104
        "workerGroupSpecs": [
            group(options, "shards", "shard", options.shards),
            group(options, "trainers", "trainer", options.workers),
        ],
    }


def group(options, name, resource, pods):
    """A group of pods whose nodes offer one place for an actor of that resource."""
    ports = [{"name": "metrics", "containerPort": PORTS["metrics"]}]
    return {
        "groupName": name,
        "replicas": pods.count,
        "minReplicas": pods.count if resource == "shard" else 1,
        "maxReplicas": max(pods.count, pods.most),
        "rayStartParams": {"resources": json.dumps(json.dumps({resource: 1}))},
        "template": pod(options, resource, resource, pods, ports),
    }


class Size:
    """Resources of a container."""

    def __init__(self, cpu, memory):
        self.cpu, self.memory = cpu, memory


def pod(options, component, container, size, ports, restart=None):
    """The pod template of a process of Ray."""
    mounts, volumes = volumes_of(options)
    spec = {
        "securityContext": SECURE_POD,
        "containers": [
            {
                "name": container,
                "image": options.image,
                "workingDir": "/kits",
                "env": [{"name": "RAY_max_direct_call_object_size", "value": "4194304"}, *THREADS],
                "resources": both(size),
                "securityContext": SECURE,
                "volumeMounts": mounts,
                **({"ports": ports} if ports else {}),
            }
        ],
        "volumes": volumes,
    }
    spec |= {"restartPolicy": restart} if restart else {}
    spec |= {"imagePullSecrets": [{"name": options.pull_secret}]} if options.pull_secret else {}
    notes = {"prometheus.io/scrape": "true", "prometheus.io/port": str(PORTS["metrics"])} if ports else None
    return {
        "metadata": {"labels": labels(options, component), **({"annotations": notes} if notes else {})},
        "spec": spec,
    }


THREADS = [{"name": "KIT_THREADS", "value": "1"}, {"name": "OMP_NUM_THREADS", "value": "1"}]
SECURE = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
SECURE_POD = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "fsGroup": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def both(size):
    """The resources of a container: what it may use is what it is given."""
    amounts = {"cpu": size.cpu, "memory": size.memory}
    return {"requests": amounts, "limits": dict(amounts)}


def volumes_of(options, read_only=False):
    """(mounts, volumes) of the configuration, the runs and the data."""
    claims = {"runs": options.storage.claim or f"{options.name}-runs"}
    if options.data_claim and not read_only:
        claims["data"] = options.data_claim
    mounts = [{"name": name, "mountPath": f"/{name}", "readOnly": read_only or name == "data"} for name in claims]
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": claim}} for name, claim in claims.items()]
    if not read_only:
        mounts.append({"name": "config", "mountPath": "/etc/elastic", "readOnly": True})
        volumes.append({"name": "config", "configMap": {"name": f"{options.name}-config"}})
    return mounts, volumes


def deployment(options, published):
    """The Deployment of the servers; they follow the link to the current version and need no restart."""
    serving, (mounts, volumes) = options.serving, volumes_of(options, read_only=True)
    service = f"{options.name}-serving"
    command = ["python", "tools/serve.py", "--model", f"{options.name}={published}", "--host", "0.0.0.0"]  # noqa: S104
    command += ["--port", str(HTTP), "--workers", str(serving.processes), "--allow-host", service]
    secret = {"secretKeyRef": {"name": serving.key_secret, "key": "key"}}
    env = [*THREADS, *([{"name": "KIT_API_KEY", "valueFrom": secret}] if serving.key_secret else [])]
    common = {"image": options.image, "workingDir": "/kits", "securityContext": SECURE, "volumeMounts": mounts}
    probe = {"httpGet": {"path": "/health/ready", "port": "http"}, "periodSeconds": 5}
    alive = {"httpGet": {"path": "/health/live", "port": "http"}, "periodSeconds": 10, "failureThreshold": 6}
    waiting = f"until test -e {published}/current; do sleep 5; done"  # the first hour
    template = {
        "metadata": {
            "labels": labels(options, "serving"),
            "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": str(HTTP)},
        },
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": SECURE_POD,
            "terminationGracePeriodSeconds": 60,
            "initContainers": [
                {
                    "name": "first-version",
                    "command": ["sh", "-c", waiting],
                    "resources": both(Size("50m", "64Mi")),
                    **common,
                }
            ],
            "containers": [
                {
                    "name": "serving",
                    "command": command,
                    "env": env,
                    "ports": [{"name": "http", "containerPort": HTTP}],
                    "resources": both(serving),
                    "readinessProbe": probe,
                    "livenessProbe": alive,
                    **common,
                }
            ],
            "volumes": volumes,
        },
    }
    if options.pull_secret:
        template["spec"]["imagePullSecrets"] = [{"name": options.pull_secret}]
    spec = {"selector": {"matchLabels": labels(options, "serving")}, "template": template}
    if serving.most <= serving.replicas:  # else the autoscaler's, which a later apply must not set back
        spec["replicas"] = serving.replicas
    return named(options, "apps/v1", "Deployment", service, spec=spec)


def autoscaler(options):
    """The HorizontalPodAutoscaler of the servers."""
    target = {"type": "Utilization", "averageUtilization": options.serving.target_cpu}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"{options.name}-serving"},
        "minReplicas": options.serving.replicas,
        "maxReplicas": options.serving.most,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    return named(options, "autoscaling/v2", "HorizontalPodAutoscaler", f"{options.name}-serving", spec=spec)


def network(options):
    """The NetworkPolicy of all pods but the servers."""
    roles = ["head", "shard", "trainer", "submitter"]
    ours = {"podSelector": {"matchLabels": {PART: options.name}}}
    operator = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": options.operator_namespace}}}
    spec = {
        "podSelector": {
            "matchLabels": {PART: options.name},
            "matchExpressions": [{"key": COMPONENT, "operator": "In", "values": roles}],
        },
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [ours]},
            {"from": [operator], "ports": [{"port": PORTS["dashboard"], "protocol": "TCP"}]},
            {"ports": [{"port": PORTS["metrics"], "protocol": "TCP"}]},
        ],
    }
    return named(options, "networking.k8s.io/v1", "NetworkPolicy", f"{options.name}-ray", spec=spec)
