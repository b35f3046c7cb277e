// Names of CLI11 for headers: the library itself takes seconds to compile.
#pragma once

namespace CLI {

class App;
class Option;

}  // namespace CLI
