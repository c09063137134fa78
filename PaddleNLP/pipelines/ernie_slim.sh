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
teacher=ernie_chnsenticorp student=reviews_cnn times=10 unlabeled="" lac="" output_dir=output
. "$(dirname "$0")/shared/distillation.sh"
options 5 teacher student times unlabeled lac output_dir -- "$@"

out=$output_dir/slim
exported=$out/teacher/$teacher/export texts=$out/labeled.tsv
if due 0; then
  for name in "$teacher" "$student"; do "$kit/run.sh" "$name" --stage 0 --stop 0; done
fi
if due 1; then teach "$out/teacher"; fi
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
if due 3; then learn "$student" "$out/alone" ${of_student[@]+"${of_student[@]}"}; fi
# the classes of the labeled texts are the teacher's, in its order
labels() { "$python" -c "import sys, yaml; print(yaml.safe_dump(yaml.safe_load(open(sys.argv[1]))['labels'], default_flow_style=True).strip())" "$exported/infer.yml"; }
if due 4; then
  learn "$student" "$out/distilled" "data.train.root=$(dirname "$texts")" "data.train.file=$(basename "$texts")" \
    "data.train.labels=$(labels)" ${of_student[@]+"${of_student[@]}"}
fi
if due 5; then compare "$out"; fi
