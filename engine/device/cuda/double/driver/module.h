// What a module and its functions are, for those who launch them.
#pragma once
#include "../ptx/program.h"
#include "driver.h"

struct Module;
struct Function {
  Module *module;
  const ptx::Kernel *kernel;
};
struct Module {
  Context *context;
  std::shared_ptr<const ptx::Module> code;
  std::map<std::string, Function> functions;
};

const Function *function_of(void *handle); // null for a handle that is none
std::shared_ptr<Module> module_of(const Function *);
