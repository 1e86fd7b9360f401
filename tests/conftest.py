"""What all tests share: one thread, since at these sizes more of them only wait for each other."""

import torch

torch.set_num_threads(1)
