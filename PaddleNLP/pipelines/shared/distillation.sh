# What the chains of a teacher and a student share.
. "$(dirname "$0")/../../common/commands/chain.sh"
parts=(teacher student)

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
