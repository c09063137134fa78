#!/usr/bin/env bash
# PointRCNN in two steps: the first stage alone, then the second one on its weights, which stay as they are.
#   ./run.sh pointrcnn_stages [--stage 0 --stop 3] [-o KEY=VALUE ...]
#   0 data   1 train the first stage   2 train the second stage   3 score both and export the whole
# Keys of -o, with their defaults: first=pointrcnn_rpn and whole=pointrcnn (configurations), output_dir=output; what
# begins with first. or whole. goes to the commands of that one, any other key to those of both.
set -euo pipefail
. "$(dirname "$0")/../../common/commands/chain.sh"
parts=(first whole) others=both
first=pointrcnn_rpn whole=pointrcnn output_dir=output
options 3 first whole output_dir -- "$@"

out=$output_dir/pointrcnn_stages
folder() {  # of the run of a configuration and a name
  "$python" "$kit/tools/train.py" -c "configs/$1.yml" -o "output_dir=$out" "name=$2" --print-config | sed -n 's/^output_dir: *//p' | sed "s/^'\(.*\)'\$/\1/"
}
first_run=$(folder "$first" first)/first
whole_run=$(folder "$whole" whole)/whole
if due 0; then "$kit/run.sh" "$first" --stage 0 --stop 0; fi
if due 1; then run_name=first learn "$first" "${first_run%/first}" name=first ${of_first[@]+"${of_first[@]}"}; fi
if due 2; then
  run_name=whole learn "$whole" "${whole_run%/whole}" name=whole "train.freeze=[rpn]" "pretrained=$first_run/best" ${of_whole[@]+"${of_whole[@]}"}
fi
if due 3; then
  echo "== $first, the first stage alone" >&2
  tool eval -c "configs/$first.yml" -o "weights=$first_run/best" ${of_first[@]+"${of_first[@]}"}
  echo "== $whole, both stages" >&2
  tool eval -c "configs/$whole.yml" -o "weights=$whole_run/best" ${of_whole[@]+"${of_whole[@]}"}
  tool export -c "configs/$whole.yml" -o "weights=$whole_run/best" "output_dir=$out" name=whole ${of_whole[@]+"${of_whole[@]}"}
fi
