#!/usr/bin/env bash
# PointRCNN in two steps: the first stage alone, then the second one on its weights, which stay as they are.
#   ./run.sh pointrcnn_stages [--stage 0 --stop 3] [-o KEY=VALUE ...]
#   0 data   1 train the first stage   2 train the second stage   3 score both and export the whole
# Keys of -o, with their defaults: first=pointrcnn_rpn and whole=pointrcnn (configurations), output_dir=output; what
# begins with first. or whole. goes to the commands of that one, any other key to those of both.
set -euo pipefail
kit=$(cd "$(dirname "$0")/.." && pwd)
root=$(dirname "$kit")
fail() { echo "error: $1" >&2; exit 2; }
usage() { sed -n '2,6{/^#/p}' "$0" | sed 's/^# \{0,1\}//'; exit "${1:-0}"; }

stage=0 stop=3 first=pointrcnn_rpn whole=pointrcnn output_dir=output
of_first=() of_whole=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h|--help) usage ;;
    --stage|--stop)
      [[ ${2-} =~ ^[0-3]$ ]] || fail "$1 takes a number, 0 to 3, not '${2-}'"
      if [ "$1" = --stage ]; then stage=$2; else stop=$2; fi
      shift 2 ;;
    -o) shift
      while [ $# -gt 0 ] && [[ $1 == *=* ]]; do
        case "$1" in
          first=*|whole=*|output_dir=*) printf -v "${1%%=*}" '%s' "${1#*=}" ;;
          first.*) of_first+=("${1#first.}") ;;
          whole.*) of_whole+=("${1#whole.}") ;;
          *) of_first+=("$1"); of_whole+=("$1") ;;
        esac
        shift
      done ;;
    *) fail "unknown argument $1; see ./run.sh pointrcnn_stages --help" ;;
  esac
done
[ "$stage" -le "$stop" ] || fail "--stage $stage is after --stop $stop"

python=${PYTHON:-$([ -x "$root/.venv/bin/python" ] && echo "$root/.venv/bin/python" || command -v python3)}
run() { echo "+ $*" >&2; "$@"; }
due() { [ "$stage" -le "$1" ] && [ "$stop" -ge "$1" ]; }
tool() { run "$python" "$kit/tools/$1.py" "${@:2}"; }
fresh() { if compgen -G "$1/step_*" >/dev/null; then echo "-r"; echo "auto"; fi; }
out=$output_dir/pointrcnn_stages
folder() {  # of the run of a configuration and a name
  "$python" "$kit/tools/train.py" -c "configs/$1.yml" -o "output_dir=$out" "name=$2" --print-config | sed -n 's/^output_dir: *//p' | sed "s/^'\(.*\)'\$/\1/"
}
first_run=$(folder "$first" first)/first
whole_run=$(folder "$whole" whole)/whole
if due 0; then "$kit/run.sh" "$first" --stage 0 --stop 0; fi
if due 1; then
  mapfile -t resume < <(fresh "$first_run")
  tool train -c "configs/$first.yml" --eval ${resume[@]+"${resume[@]}"} -o "output_dir=$out" name=first ${of_first[@]+"${of_first[@]}"}
fi
if due 2; then
  mapfile -t resume < <(fresh "$whole_run")
  tool train -c "configs/$whole.yml" --eval ${resume[@]+"${resume[@]}"} -o "output_dir=$out" name=whole "train.freeze=[rpn]" "pretrained=$first_run/best" ${of_whole[@]+"${of_whole[@]}"}
fi
if due 3; then
  echo "== $first, the first stage alone" >&2
  tool eval -c "configs/$first.yml" -o "weights=$first_run/best" ${of_first[@]+"${of_first[@]}"}
  echo "== $whole, both stages" >&2
  tool eval -c "configs/$whole.yml" -o "weights=$whole_run/best" ${of_whole[@]+"${of_whole[@]}"}
  tool export -c "configs/$whole.yml" -o "weights=$whole_run/best" "output_dir=$out" name=whole ${of_whole[@]+"${of_whole[@]}"}
fi
