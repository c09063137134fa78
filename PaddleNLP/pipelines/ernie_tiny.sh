#!/usr/bin/env bash
# Model distillation: a transformer of three layers learns from one of twelve, at its layers, attention and predictions.
#   ./run.sh ernie_tiny [--stage 0 --stop 4] [-o KEY=VALUE ...]
#   0 data   1 train and export the teacher   2 train the student alone   3 train the student with its teacher
#   4 score all three and export the student
# Keys of -o, with their defaults: teacher=ernie_chnsenticorp and student=ernie_tiny_distill (configurations),
# output_dir=output, pretrained= (weights that the teacher begins with); what begins with teacher. or student. goes to
# the commands of that one. Both students begin with the teacher's first layers; -o student.pretrained=null does not.
set -euo pipefail
teacher=ernie_chnsenticorp student=ernie_tiny_distill output_dir=output pretrained=""
. "$(dirname "$0")/shared/distillation.sh"
options 4 teacher student output_dir pretrained -- "$@"

out=$output_dir/ernie_tiny
best=$out/$teacher/best
if due 0; then "$kit/run.sh" "$teacher" --stage 0 --stop 0; fi  # the student reads the same data
if due 1; then teach "$out" ${pretrained:+"pretrained=$pretrained"}; fi
student() { learn "$student" "$out/$1" "pretrained=$best" "${@:2}" ${of_student[@]+"${of_student[@]}"}; }
if due 2; then student alone slim=null; fi
if due 3; then student distilled "slim.teacher.config=$kit/configs/$teacher.yml" "slim.teacher.weights=$best"; fi
if due 4; then
  echo "== $teacher, the teacher" >&2
  tool eval -c "configs/$teacher.yml" -o "weights=$best" ${of_teacher[@]+"${of_teacher[@]}"}
  compare "$out" slim=null
fi
