// A double of libcurand.so.10: it is linked, and nothing of it is called.
