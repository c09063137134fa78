#!/usr/bin/env bash
# Takes one configuration through all its stages:  ./run.sh yolov3 [--stage 1 --stop 3] [-o KEY=VALUE ...]
#   0 data   1 train   2 evaluate   3 export   4 C++
# A name in pipelines/ is a chain of several, such as  ./run.sh ernie_slim --help
# The configuration is that which -c configs/NAME.yml means in this kit; what follows -o goes to every command.
set -euo pipefail
. "$(dirname "$0")/../common/commands/run.sh" "$@"
