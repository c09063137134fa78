# The body of the kits' `run.sh`, which source it: one configuration through all stages, or a chain of `pipelines/`.
kit=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$kit")
usage() { sed -n '2,5p' "$0" | sed 's/^# \{0,1\}//'; exit "${1:-0}"; }
fail() { echo "error: $1" >&2; exit 2; }

# a chain of several configurations has a script of its own
if [ -f "$kit/pipelines/${1-}.sh" ]; then exec "$kit/pipelines/$1.sh" "${@:2}"; fi

name="" stage=0 stop=3 override=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h|--help) usage ;;
    --stage|--stop)
      [[ ${2-} =~ ^[0-4]$ ]] || fail "$1 takes a number, 0 to 4, not '${2-}'"
      if [ "$1" = --stage ]; then stage=$2; else stop=$2; fi
      shift 2 ;;
    -o) shift; while [ $# -gt 0 ] && [[ $1 == *=* ]]; do override+=("$1"); shift; done ;;
    -*) fail "unknown option $1; see ./run.sh --help" ;;
    *) [ -z "$name" ] || fail "one configuration at a time: '$name' or '$1'"; name=$1; shift ;;
  esac
done
[ -n "$name" ] || usage 2
[ "$stage" -le "$stop" ] || fail "--stage $stage is after --stop $stop"

python=${PYTHON:-$([ -x "$root/.venv/bin/python" ] && echo "$root/.venv/bin/python" || command -v python3)}
find_config='
import sys
sys.path[0] = sys.argv[1]
from common.config.kits import find_config
from common.errors import ConfigError
try:
    print(find_config(sys.argv[2]))
except ConfigError as error:
    sys.exit(f"error: {error}")'
config=$("$python" -c "$find_config" "$root" "$kit/configs/$name.yml") || exit 2
printed=$("$python" "$kit/tools/train.py" -c "$config" ${override[@]+-o "${override[@]}"} --print-config)
value() { sed -n "s/^$1: *//p" <<< "$printed" | sed "s/^'\(.*\)'\$/\1/"; }
run() { echo "+ $*" >&2; "$@"; }
output=$(value output_dir)/$(value name)

if [ "$stage" -le 0 ] && [ "$stop" -ge 0 ]; then
  made="" lines=$(sed -n 's/^# *data: *//p' "$config")
  while read -ra words <&3; do  # a script and its options a line
    maker=""
    for folder in "$kit" "$root"; do [ -n "${words[0]-}" ] && [ -f "$folder/${words[0]}" ] && maker="$folder/${words[0]}" && break; done
    [ -n "$maker" ] || continue
    made=1 out="" by="${maker##*/} ${words[*]:1}"
    [[ "$by" =~ --out\ ([^ ]+) ]] && out=${BASH_REMATCH[1]}
    if [ -n "$out" ] && [ "$(cat "$out/.made_by" 2>/dev/null)" = "$by" ]; then
      echo "stage 0: $out was made by the same command and is kept" >&2
      continue
    fi
    run "$python" "$maker" "${words[@]:1}" || fail "stage 0 failed; --stage 1 takes the data that are there"
    [ -z "$out" ] || echo "$by" > "$out/.made_by"
  done 3<<< "$lines"
  if [ -z "$made" ]; then echo "stage 0: $name reads data that you bring (${lines:-see the paths under data:})" >&2; fi
fi
if [ "$stage" -le 1 ] && [ "$stop" -ge 1 ]; then
  resume=(); compgen -G "$output/step_*" >/dev/null && resume=(-r auto)
  run "$python" "$kit/tools/train.py" -c "$config" --eval ${resume[@]+"${resume[@]}"} ${override[@]+-o "${override[@]}"}
fi
if [ "$stage" -le 2 ] && [ "$stop" -ge 2 ]; then
  run "$python" "$kit/tools/eval.py" -c "$config" -o "weights=$output/best" ${override[@]+"${override[@]}"}
fi
if [ "$stage" -le 3 ] && [ "$stop" -ge 3 ]; then
  run "$python" "$kit/tools/export.py" -c "$config" -o "weights=$output/best" ${override[@]+"${override[@]}"}
fi
if [ "$stop" -ge 4 ]; then
  program="$root/deploy/cpp/build/kit_infer"
  [ -x "$program" ] || fail "stage 4 runs $program, which is not built"
  run "$program" --model "$output/export" --golden
fi
