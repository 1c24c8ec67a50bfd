#pragma once

#include "checks.hpp"
#include "project.hpp"

/// How rules stand in a project file.
namespace iom::host {

/// Reads every <rule> below `root` into `into`, whose instances and variables are complete.
void read_rules(const manifest::element& root, project& into, surroundings& around, complaints& say);

} // namespace iom::host
