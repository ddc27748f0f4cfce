//go:build cuda

package cuda

import _ "github.com/NVIDIA/go-nvml/pkg/nvml"
