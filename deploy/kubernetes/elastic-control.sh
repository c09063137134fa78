#!/bin/sh
# The words of ElasticCTR's script, as commands of tools/elastic.py:
#   elastic-control.sh -r -u 4 -m 20 -t 2 -p 2 -b 5 -s slot.conf -f data.config    render the manifests
#   elastic-control.sh -a ...                                                      render them and apply them
#   elastic-control.sh -l                                                          the status and the log
#   elastic-control.sh -c                                                          a client of the published model
# CONFIG names the configuration, OPTIONS the options of the deployment, PYTHON the Python.
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-python}
config=${CONFIG:-PaddleRec/configs/ranking/slot_dnn_stream.yml}
[ $# -gt 0 ] || set -- -h
word=$1
shift
case $word in
  -r | --config_resource) set -- render -c "$config" "$@" ;;
  -a | --apply) set -- render --apply -c "$config" "$@" ;;
  -l | --log) set -- logs -c "$config" "$@" ;;
  -c | --config_client) set -- client -c "$config" "$@" ;;
  -h | --help)
    sed -n '2,7s/^# *//p' "$0"
    exit 0
    ;;
  *)
    echo "elastic-control.sh: there is no '$word'; the first word is -r, -a, -l, -c or -h" >&2
    exit 2
    ;;
esac
case $1 in
  render) [ -z "${OPTIONS:-}" ] || set -- "$@" --options "$OPTIONS" ;;
esac
exec "$python" tools/elastic.py "$@"
