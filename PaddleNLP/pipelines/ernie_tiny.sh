#!/usr/bin/env bash
# Model distillation: a transformer of three layers learns from one of twelve, at its layers, attention and predictions.
#   ./run.sh ernie_tiny [--stage 0 --stop 4] [-o KEY=VALUE ...]
#   0 data   1 train and export the teacher   2 train the student alone   3 train the student with its teacher
#   4 score all three and export the student
# Keys of -o, with their defaults: teacher=ernie_chnsenticorp and student=ernie_tiny_distill (configurations),
# output_dir=output, pretrained= (weights that the teacher begins with); what begins with teacher. or student. goes to
# the commands of that one. Both students begin with the teacher's first layers; -o student.pretrained=null does not.
set -euo pipefail
kit=$(cd "$(dirname "$0")/.." && pwd)
root=$(dirname "$kit")
fail() { echo "error: $1" >&2; exit 2; }
usage() { sed -n '2,8{/^#/p}' "$0" | sed 's/^# \{0,1\}//'; exit "${1:-0}"; }

stage=0 stop=4 teacher=ernie_chnsenticorp student=ernie_tiny_distill output_dir=output pretrained=""
of_teacher=() of_student=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h|--help) usage ;;
    --stage|--stop)
      [[ ${2-} =~ ^[0-4]$ ]] || fail "$1 takes a number, 0 to 4, not '${2-}'"
      if [ "$1" = --stage ]; then stage=$2; else stop=$2; fi
      shift 2 ;;
    -o) shift
      while [ $# -gt 0 ] && [[ $1 == *=* ]]; do
        case "$1" in
          teacher=*|student=*|output_dir=*|pretrained=*) printf -v "${1%%=*}" '%s' "${1#*=}" ;;
          teacher.*) of_teacher+=("${1#teacher.}") ;;
          student.*) of_student+=("${1#student.}") ;;
          *) fail "unknown key ${1%%=*}; see ./run.sh ernie_tiny --help" ;;
        esac
        shift
      done ;;
    *) fail "unknown argument $1; see ./run.sh ernie_tiny --help" ;;
  esac
done
[ "$stage" -le "$stop" ] || fail "--stage $stage is after --stop $stop"

python=${PYTHON:-$([ -x "$root/.venv/bin/python" ] && echo "$root/.venv/bin/python" || command -v python3)}
run() { echo "+ $*" >&2; "$@"; }
due() { [ "$stage" -le "$1" ] && [ "$stop" -ge "$1" ]; }
tool() { run "$python" "$kit/tools/$1.py" "${@:2}"; }
fresh() { if compgen -G "$1/step_*" >/dev/null; then echo "-r"; echo "auto"; fi; }
out=$output_dir/ernie_tiny
best=$out/$teacher/best
if due 0; then
  for name in "$teacher" "$student"; do "$kit/run.sh" "$name" --stage 0 --stop 0; done
fi
if due 1; then
  mapfile -t resume < <(fresh "$out/$teacher")
  tool train -c "configs/$teacher.yml" --eval ${resume[@]+"${resume[@]}"} -o "output_dir=$out" "name=$teacher" ${pretrained:+"pretrained=$pretrained"} ${of_teacher[@]+"${of_teacher[@]}"}
  tool export -c "configs/$teacher.yml" -o "weights=$best" "output_dir=$out" "name=$teacher" ${of_teacher[@]+"${of_teacher[@]}"}
fi
learn() {
  mapfile -t resume < <(fresh "$out/$1/$student")
  tool train -c "configs/$student.yml" --eval ${resume[@]+"${resume[@]}"} -o "output_dir=$out/$1" "name=$student" "pretrained=$best" "${@:2}" ${of_student[@]+"${of_student[@]}"}
}
if due 2; then learn alone slim=null; fi
if due 3; then learn distilled "slim.teacher.config=$kit/configs/$teacher.yml" "slim.teacher.weights=$best"; fi
if due 4; then
  echo "== $teacher, the teacher" >&2
  tool eval -c "configs/$teacher.yml" -o "weights=$best" ${of_teacher[@]+"${of_teacher[@]}"}
  for way in alone distilled; do
    echo "== $student, $way" >&2
    tool eval -c "configs/$student.yml" -o "weights=$out/$way/$student/best" slim=null ${of_student[@]+"${of_student[@]}"}
  done
  tool export -c "configs/$student.yml" -o "weights=$out/distilled/$student/best" "output_dir=$out/distilled" "name=$student" slim=null ${of_student[@]+"${of_student[@]}"}
fi
