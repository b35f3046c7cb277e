// A server that greets and nothing else, as a command line for tests.
#pragma once

#include <string>
#include <string_view>

namespace martlet::compare {

/// Python that listens on the port in its last argument and sends `greeting` to whoever connects;
/// `before` is done first. Neither may contain a single quote.
inline std::string LittleServer(std::string_view greeting = "INFO {}",
                                std::string_view before = "") {
  return "python3 -S -E -c 'import os, signal, socket, subprocess, sys, time\n" +
         std::string(before) +
         "\ns = socket.create_server((\"127.0.0.1\", int(sys.argv[-1])))\n"
         "while True:\n"
         "  with s.accept()[0] as c:\n"
         "    try:\n"
         "      c.sendall(b\"" +
         std::string(greeting) +
         "\\r\\n\")\n"
         "      c.recv(1)\n"
         "    except OSError:\n"  // a client that leaves without reading resets the connection
         "      pass'";
}

}  // namespace martlet::compare
