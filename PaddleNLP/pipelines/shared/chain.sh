# Options, stages and commands that all chains share; a chain sources it, then calls `options LAST_STAGE KEY... -- "$@"`.
kit=$(cd "$(dirname "$0")/.." && pwd)
root=$(dirname "$kit")
chain=$(basename "$0" .sh)
of_teacher=() of_student=()
fail() { echo "error: $1" >&2; exit 2; }
usage() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit "${1:-0}"; }

# --stage and --stop, and the keys of -o that are variables of the chain; its header is the help
options() {
  local last=$1 key keys=" "
  shift
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
          case "$key" in
            teacher.*) of_teacher+=("${1#teacher.}") ;;
            student.*) of_student+=("${1#student.}") ;;
            *) [[ $keys == *" $key "* ]] || fail "unknown key $key; see ./run.sh $chain --help"
               printf -v "$key" '%s' "${1#*=}" ;;
          esac
          shift
        done ;;
      *) fail "unknown argument $1; see ./run.sh $chain --help" ;;
    esac
  done
  [ "$stage" -le "$stop" ] || fail "--stage $stage is after --stop $stop"
  python=${PYTHON:-$([ -x "$root/.venv/bin/python" ] && echo "$root/.venv/bin/python" || command -v python3)}
}

due() { [ "$stage" -le "$1" ] && [ "$stop" -ge "$1" ]; }
tool() { echo "+ $python $kit/tools/$1.py ${*:2}" >&2; "$python" "$kit/tools/$1.py" "${@:2}"; }

# trains a configuration into an output folder, and goes on where it was cut off
learn() {
  local resume=()
  if compgen -G "$2/$1/step_*" >/dev/null; then resume=(-r auto); fi
  tool train -c "configs/$1.yml" --eval ${resume[@]+"${resume[@]}"} -o "output_dir=$2" "${@:3}"
}

# trains the teacher into an output folder and exports the best checkpoint
teach() {
  learn "$teacher" "$1" "${@:2}" ${of_teacher[@]+"${of_teacher[@]}"}
  tool export -c "configs/$teacher.yml" -o "weights=$1/$teacher/best" "output_dir=$1" ${of_teacher[@]+"${of_teacher[@]}"}
}

# scores the students that were trained alone and with the teacher into a folder, and exports the second one
compare() {
  local way
  for way in alone distilled; do
    echo "== $student, $way" >&2
    tool eval -c "configs/$student.yml" -o "weights=$1/$way/$student/best" "${@:2}" ${of_student[@]+"${of_student[@]}"}
  done
  tool export -c "configs/$student.yml" -o "weights=$1/distilled/$student/best" "output_dir=$1/distilled" "${@:2}" ${of_student[@]+"${of_student[@]}"}
}
