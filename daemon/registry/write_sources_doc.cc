// Prints docs/sources.md: bazel run //daemon/registry:write_sources_doc > docs/sources.md
#include <iostream>

#include "daemon/registry/source_table_doc.h"

int main() {
  std::cout << sasd::registry::SourceTableDoc(sasd::registry::NodeSources());
  return std::cout.good() ? 0 : 1;
}
