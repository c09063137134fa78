"""Diagnoses the installation and suggests fixes.

python tools/doctor.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common.commands.doctor import main

if __name__ == "__main__":
    sys.exit(main())
