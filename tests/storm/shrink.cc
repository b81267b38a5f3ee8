#include "tests/storm/shrink.h"

#include <algorithm>
#include <utility>

namespace sasd::testing {
namespace {

class Shrinker {
 public:
  Shrinker(std::vector<Step> steps, absl::FunctionRef<bool(const std::vector<Step>&)> fails,
           int tries)
      : steps_(std::move(steps)), fails_(fails), tries_(tries) {}

  std::vector<Step> Run() {
    for (size_t size = std::max<size_t>(steps_.size() / 2, 1); tries_ > 0;) {
      const bool shorter = LeaveOut(size);
      const bool simpler = size == 1 && Simplify();
      if (size > 1) {
        size = size / 2;
      } else if (!shorter && !simpler) {
        break;
      }
    }
    return std::move(steps_);
  }

 private:
  // Keeps a candidate that still fails.
  bool Try(std::vector<Step> candidate) {
    if (tries_-- <= 0 || !fails_(candidate)) return false;
    steps_ = std::move(candidate);
    return true;
  }

  // Leaves out runs of `size` steps, from the end: late steps depend on early ones.
  bool LeaveOut(size_t size) {
    bool done = false;
    for (size_t end = steps_.size(); end > 0;) {
      const size_t begin = end - std::min(size, end);
      std::vector<Step> candidate(steps_.begin(), steps_.begin() + begin);
      candidate.insert(candidate.end(), steps_.begin() + end, steps_.end());
      done |= Try(std::move(candidate));
      end = begin;
    }
    return done;
  }

  bool Simplify() {
    bool done = false;
    for (size_t i = 0; i < steps_.size(); ++i) {
      const auto with = [&](auto change) {
        std::vector<Step> candidate = steps_;
        change(candidate[i]);
        return !(candidate[i] == steps_[i]) && Try(std::move(candidate));
      };
      done |= with([](Step& step) { step.inside = 0; });
      done |= with([](Step& step) { step.text.clear(); });
      if (!IsCount(steps_[i].kind)) continue;
      while (with([](Step& step) { step.a = step.a / 2; })) done = true;
    }
    return done;
  }

  // Whether Step::a is a count.
  static bool IsCount(Step::Kind kind) {
    using Kind = Step::Kind;
    return kind == Kind::kPageFaults || kind == Kind::kSmpFaults || kind == Kind::kEventsLost ||
           kind == Kind::kEventsDoubled || kind == Kind::kEventsTruncated ||
           kind == Kind::kEventsReordered || kind == Kind::kWork || kind == Kind::kAdvance;
  }

  std::vector<Step> steps_;
  absl::FunctionRef<bool(const std::vector<Step>&)> fails_;
  int tries_;
};

}  // namespace

std::vector<Step> Shrink(std::vector<Step> steps,
                         absl::FunctionRef<bool(const std::vector<Step>&)> fails, int tries) {
  return Shrinker(std::move(steps), fails, tries).Run();
}

}  // namespace sasd::testing
