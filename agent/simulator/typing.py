"""Array types that the modules of the simulator share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Image = NDArray[np.uint8]
