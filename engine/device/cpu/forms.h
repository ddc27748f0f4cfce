// The forms of the kernels, for forms.cc to choose from.
#ifndef SV_FORMS_H
#define SV_FORMS_H
#include "cpu.h"
#endif
