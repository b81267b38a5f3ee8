// Prints the shipped file: bazel run //daemon/config:write_example > packaging/sasd.toml
#include <iostream>

#include "daemon/config/example.h"

int main() { std::cout << sasd::config::ExampleFile(); }
