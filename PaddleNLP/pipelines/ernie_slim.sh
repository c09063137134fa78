#!/usr/bin/env bash
# Data distillation: a small student learns from texts that a large teacher has labeled.
#   ./run.sh ernie_slim [--stage 0 --stop 5] [-o KEY=VALUE ...]
#   0 data   1 train and export the teacher   2 make variants of the texts and label them   3 train the student
#   alone   4 train the student on the labeled texts   5 score both students and export the second one
# Keys of -o, with their defaults: teacher=ernie_chnsenticorp and student=reviews_cnn (configurations), times=10 (variants
# of a text), unlabeled= (a file with a text a line), lac= (a module or export that tags words, to replace them by their
# kind), output_dir=output; what begins with teacher. or student. goes to the commands of that one.
# Without the weights of ERNIE, all of it from a package of a registry:
#   ./run.sh ernie_slim -o teacher=reviews_bilstm student=reviews_bow
set -euo pipefail
kit=$(cd "$(dirname "$0")/.." && pwd)
root=$(dirname "$kit")
fail() { echo "error: $1" >&2; exit 2; }
usage() { sed -n '2,11{/^#/p}' "$0" | sed 's/^# \{0,1\}//'; exit "${1:-0}"; }

stage=0 stop=5 teacher=ernie_chnsenticorp student=reviews_cnn times=10 unlabeled="" lac="" output_dir=output
of_teacher=() of_student=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h|--help) usage ;;
    --stage|--stop)
      [[ ${2-} =~ ^[0-5]$ ]] || fail "$1 takes a number, 0 to 5, not '${2-}'"
      if [ "$1" = --stage ]; then stage=$2; else stop=$2; fi
      shift 2 ;;
    -o) shift
      while [ $# -gt 0 ] && [[ $1 == *=* ]]; do
        case "$1" in
          teacher=*|student=*|times=*|unlabeled=*|lac=*|output_dir=*) printf -v "${1%%=*}" '%s' "${1#*=}" ;;
          teacher.*) of_teacher+=("${1#teacher.}") ;;
          student.*) of_student+=("${1#student.}") ;;
          *) fail "unknown key ${1%%=*}; see ./run.sh ernie_slim --help" ;;
        esac
        shift
      done ;;
    *) fail "unknown argument $1; see ./run.sh ernie_slim --help" ;;
  esac
done
[ "$stage" -le "$stop" ] || fail "--stage $stage is after --stop $stop"

python=${PYTHON:-$([ -x "$root/.venv/bin/python" ] && echo "$root/.venv/bin/python" || command -v python3)}
run() { echo "+ $*" >&2; "$@"; }
due() { [ "$stage" -le "$1" ] && [ "$stop" -ge "$1" ]; }
tool() { run "$python" "$kit/tools/$1.py" "${@:2}"; }
fresh() { if compgen -G "$1/step_*" >/dev/null; then echo "-r"; echo "auto"; fi; }
teacher_out=$output_dir/slim/teacher student_out=$output_dir/slim
exported=$teacher_out/$teacher/export texts=$student_out/labeled.tsv
if due 0; then
  for name in "$teacher" "$student"; do "$kit/run.sh" "$name" --stage 0 --stop 0; done
fi
if due 1; then
  mapfile -t resume < <(fresh "$teacher_out/$teacher")
  tool train -c "configs/$teacher.yml" --eval ${resume[@]+"${resume[@]}"} -o "output_dir=$teacher_out" ${of_teacher[@]+"${of_teacher[@]}"}
  tool export -c "configs/$teacher.yml" -o "weights=$teacher_out/$teacher/best" "output_dir=$teacher_out" ${of_teacher[@]+"${of_teacher[@]}"}
fi
if due 2; then
  texts_of='
import sys
sys.path[0] = sys.argv[1]
from common.config import load_config
config = load_config(sys.argv[2], sys.argv[3:])
print(config.get("data.train.root"), config.get("data.train.file"), sep="/")'
  source_texts=$("$python" -c "$texts_of" "$root" "$kit/configs/$student.yml" ${of_student[@]+"${of_student[@]}"})
  tool distill_texts "$source_texts" ${unlabeled:+"$unlabeled"} --teacher "$exported" --times "$times" ${lac:+--lac "$lac"} --out "$texts"
fi
if due 3; then
  mapfile -t resume < <(fresh "$student_out/alone/$student")
  tool train -c "configs/$student.yml" --eval ${resume[@]+"${resume[@]}"} -o "output_dir=$student_out/alone" ${of_student[@]+"${of_student[@]}"}
fi
# the classes of the labeled texts are the teacher's, in its order
labels() { "$python" -c "import sys, yaml; print(yaml.safe_dump(yaml.safe_load(open(sys.argv[1]))['labels'], default_flow_style=True).strip())" "$exported/infer.yml"; }
if due 4; then
  mapfile -t resume < <(fresh "$student_out/distilled/$student")
  tool train -c "configs/$student.yml" --eval ${resume[@]+"${resume[@]}"} -o "output_dir=$student_out/distilled" \
    "data.train.root=$(dirname "$texts")" "data.train.file=$(basename "$texts")" "data.train.labels=$(labels)" ${of_student[@]+"${of_student[@]}"}
fi
if due 5; then
  for way in alone distilled; do
    echo "== $student, $way" >&2
    tool eval -c "configs/$student.yml" -o "weights=$student_out/$way/$student/best" ${of_student[@]+"${of_student[@]}"}
  done
  tool export -c "configs/$student.yml" -o "weights=$student_out/distilled/$student/best" "output_dir=$student_out/distilled" ${of_student[@]+"${of_student[@]}"}
fi
