// Doubles of libnvinfer.so.10 and libnvonnxparser.so.10: enough to be linked. They build no engine.
#define NOTHING(name) void *name(void) { return 0; }
NOTHING(createInferBuilder_INTERNAL) NOTHING(createInferRuntime_INTERNAL) NOTHING(createInferRefitter_INTERNAL)
NOTHING(createNvOnnxParser_INTERNAL) NOTHING(createNvOnnxParserRefitter_INTERNAL) NOTHING(getPluginRegistry) NOTHING(getLogger)
int getInferLibVersion(void) { return 101500; }
int getNvOnnxParserVersion(void) { return 101500; }
