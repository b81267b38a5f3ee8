#ifndef CLI_OUTPUT_RECORD_PRINTER_H_
#define CLI_OUTPUT_RECORD_PRINTER_H_

#include <memory>
#include <ostream>
#include <vector>

#include "google/protobuf/message.h"

namespace sasd::cli {

// Writes resources of one kind, page after page; keeps none of them.
class RecordPrinter {
 public:
  using Page = std::vector<const google::protobuf::Message*>;

  virtual ~RecordPrinter() = default;
  virtual void Print(const Page& page) = 0;
  // After the last page; also when there was none.
  virtual void Finish() {}
};

// One JSON array of all, an element a line.
std::unique_ptr<RecordPrinter> NewJsonPrinter(std::ostream& out);
// One JSON object a line.
std::unique_ptr<RecordPrinter> NewJsonlPrinter(std::ostream& out);
// One YAML list of all.
std::unique_ptr<RecordPrinter> NewYamlPrinter(std::ostream& out);
// One resource name a line.
std::unique_ptr<RecordPrinter> NewNamePrinter(std::ostream& out);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_RECORD_PRINTER_H_
