# Options, stages and commands that the chains in `pipelines/` of the kits share (bash 4.3 or later). A chain sources it,
# names the variables that hold its two configurations in `parts`, and calls `options LAST_STAGE KEY... -- "$@"`.
kit=$(cd "$(dirname "$0")/.." && pwd)
root=$(dirname "$kit")
chain=$(basename "$0" .sh)
parts=() others=refused  # others=both: a key of -o that the chain does not know goes to the commands of both parts
fail() { echo "error: $1" >&2; exit 2; }
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit "${1:-0}"; }

# --stage and --stop, and the keys of -o: variables of the chain, or PART.KEY, which goes to the array of_PART; the header
# of the chain is the help
options() {
  local last=$1 key part keys=" "
  shift
  for part in "${parts[@]}"; do declare -ga "of_$part=()"; done
  while [ "$1" != -- ]; do keys+="$1 "; shift; done
  shift
  stage=0 stop=$last
  while [ $# -gt 0 ]; do
    case "$1" in
      -h|--help) usage ;;
      --stage|--stop)
        [[ ${2-} =~ ^[0-$last]$ ]] || fail "$1 takes a number, 0 to $last, not '${2-}'"
        printf -v "${1#--}" '%s' "$2"
        shift 2 ;;
      -o) shift
        while [ $# -gt 0 ] && [[ $1 == *=* ]]; do
          key=${1%%=*}
          if [[ $keys == *" $key "* ]]; then
            printf -v "$key" '%s' "${1#*=}"
          elif [[ " ${parts[*]} " == *" ${key%%.*} "* ]]; then
            give "${key%%.*}" "${1#*.}"
          elif [ "$others" = both ]; then
            for part in "${parts[@]}"; do give "$part" "$1"; done
          else
            fail "unknown key $key; see ./run.sh $chain --help"
          fi
          shift
        done ;;
      *) fail "unknown argument $1; see ./run.sh $chain --help" ;;
    esac
  done
  [ "$stage" -le "$stop" ] || fail "--stage $stage is after --stop $stop"
  python=${PYTHON:-$([ -x "$root/.venv/bin/python" ] && echo "$root/.venv/bin/python" || command -v python3)}
}

give() { local -n given="of_$1"; given+=("$2"); }
due() { [ "$stage" -le "$1" ] && [ "$stop" -ge "$1" ]; }
tool() { echo "+ $python $kit/tools/$1.py ${*:2}" >&2; "$python" "$kit/tools/$1.py" "${@:2}"; }

# trains a configuration into an output folder, and goes on where it was cut off
learn() {
  local resume=()
  if compgen -G "$2/${run_name:-$1}/step_*" >/dev/null; then resume=(-r auto); fi
  tool train -c "configs/$1.yml" --eval ${resume[@]+"${resume[@]}"} -o "output_dir=$2" "${@:3}"
}
