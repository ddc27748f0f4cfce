package access

import (
	"fmt"
	"os"
)

// maxFile is far above what certificates and tokens take.
const maxFile = 1 << 20

// readFile reads a regular file.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path) // before the open, in which a pipe would block
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}
