// Names of CLI11 for headers: the library itself takes seconds to compile.
#pragma once

namespace CLI {  // NOLINT(readability-identifier-naming): the library's

class App;
class Option;

}  // namespace CLI
