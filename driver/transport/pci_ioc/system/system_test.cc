#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <string>
#include <thread>  // NOLINT: two that share the registers
#include <vector>

#include "absl/time/time.h"
#include "driver/transport/pci_ioc/system/mapped_registers.h"
#include "driver/transport/pci_ioc/system/pci_files.h"
#include "driver/transport/pci_ioc/system/posix_system_calls.h"
#include "gtest/gtest.h"

namespace sasd::pci_ioc {
namespace {

constexpr size_t kPage = 4096;

// A file's mapping raises SIGBUS beyond the end of the file, as a BAR's while it does not decode.
class MappedRegistersTest : public ::testing::Test {
 protected:
  MappedRegistersTest() : file_(memfd_create("bar", MFD_CLOEXEC)) {
    SetDecoding(true);
    EXPECT_EQ(calls_.Map(file_, kPage, 0, memory_), 0);
  }
  ~MappedRegistersTest() override {
    calls_.Unmap(memory_);
    close(file_);
  }
  void SetDecoding(bool on) { ASSERT_EQ(ftruncate(file_, on ? kPage : 0), 0); }

  PosixSystemCalls calls_;
  const int file_;
  MutableByteSpan memory_;
};

TEST_F(MappedRegistersTest, AccessesHaveTheirFullWidth) {
  MappedRegisters registers(memory_);
  registers.Write32(0x30, 0x12345678);
  EXPECT_EQ(registers.Read32(0x30), 0x12345678u);
  EXPECT_EQ(memory_[0x30], 0x78);
  registers.Write64(0xC0, 0x1122334455667788);
  EXPECT_EQ(registers.Read32(0xC0), 0x55667788u);
  EXPECT_EQ(registers.Read32(0xC4), 0x11223344u);
}

TEST_F(MappedRegistersTest, BeyondTheBarAreOnesAndNothing) {
  MappedRegisters registers(memory_);
  EXPECT_EQ(registers.Read32(kPage - 4), 0u);
  EXPECT_EQ(registers.Read32(kPage), ~0u);
  EXPECT_EQ(registers.Read32(kPage - 2), ~0u);
  EXPECT_EQ(registers.Read32(0xFFFFFFFC), ~0u);
  registers.Write32(kPage, 1);
  registers.Write64(kPage - 4, 1);
  EXPECT_EQ(MappedRegisters(MutableByteSpan()).Read32(0), ~0u);
}

TEST_F(MappedRegistersTest, AFunctionThatIsGoneReadsAsOnes) {
  MappedRegisters registers(memory_);
  SetDecoding(false);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(registers.Read32(0), ~0u);
    registers.Write32(0, 5);
    registers.Write64(8, 5);
  }
  SetDecoding(true);  // it is back
  EXPECT_EQ(registers.Read32(0), 0u);
  registers.Write32(0, 7);
  EXPECT_EQ(registers.Read32(0), 7u);
}

TEST_F(MappedRegistersTest, EachThreadRetreatsAlone) {
  MappedRegisters registers(memory_);
  SetDecoding(false);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 1000; ++round) EXPECT_EQ(registers.Read32(4), ~0u);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

using MappedRegistersDeathTest = MappedRegistersTest;

TEST_F(MappedRegistersDeathTest, AnotherBusErrorStillEndsTheProcess) {
  MappedRegisters registers(memory_);
  SetDecoding(false);
  EXPECT_EQ(registers.Read32(0), ~0u);
  EXPECT_DEATH(const_cast<volatile uint8_t&>(memory_[0]) = 1, "");
}

TEST(PciFiles, AddressesAreThoseOfSysfs) {
  EXPECT_TRUE(IsPciAddress("0000:03:00.0"));
  EXPECT_TRUE(IsPciAddress("10000:e1:1f.7"));
  for (const char* text :
       {"", "03:00.0", "0000:03:00", "0000:03:00.8", "0000:3:00.0", "../x:03:00.0", "0000.03.00.0",
        "0000:03:00:0", "0000:AB:00.0", "0000:03:00.0 "}) {
    EXPECT_FALSE(IsPciAddress(text)) << text;
  }
}

// The configuration space of BARs.
ReadConfigFn Bars(std::map<uint32_t, uint32_t> values) {
  return [values = std::move(values)](uint32_t offset, uint32_t) {
    const auto value = values.find(offset);
    return value == values.end() ? 0 : value->second;
  };
}

TEST(PciFiles, TheFirstMemoryBarMayHaveAnyNumber) {
  // SAS3008: I/O, then 64 bits. 94xx: 64 bits prefetchable, I/O in BAR 5.
  EXPECT_EQ(FirstMemoryBar(Bars({{0x10, 0x5001}, {0x14, 0xAAE40004}})), 1);
  EXPECT_EQ(FirstMemoryBar(Bars({{0x10, 0xFB00000C}, {0x14, 0x38}, {0x24, 0x5001}})), 0);
  EXPECT_EQ(FirstMemoryBar(Bars({{0x10, 0x0000000C}, {0x14, 0x38}})), 0);  // above 4 GiB
  EXPECT_EQ(FirstMemoryBar(Bars({{0x10, 0x5001}, {0x14, 0x00000004}, {0x1C, 0xAA000000}})), 3);
  EXPECT_EQ(FirstMemoryBar(Bars({{0x10, 0x5001}})), std::nullopt);
}

TEST(PosixCalls, MemoryIsZeroedAndEventsWake) {
  PosixSystemCalls calls;
  MutableByteSpan memory;
  ASSERT_EQ(calls.MapMemory(kPage, false, memory), 0);
  EXPECT_EQ(memory[kPage - 1], 0);
  calls.Unmap(memory);
  const int event = calls.EventFd();
  pollfd file = {event, POLLIN, 0};
  EXPECT_EQ(calls.Poll({&file, 1}, absl::ZeroDuration()), 0);
  const uint8_t one[8] = {1};
  EXPECT_EQ(calls.Write(event, one), 8);
  EXPECT_EQ(calls.Poll({&file, 1}, absl::Seconds(60)), 1);
  uint8_t count[8];
  EXPECT_EQ(calls.Read(event, absl::MakeSpan(count)), 8);
  EXPECT_EQ(calls.Read(event, absl::MakeSpan(count)), -EAGAIN);
  calls.Close(event);
  EXPECT_EQ(calls.Open("/no/such/file", 0), -ENOENT);
}

// What a child wrote there, the function would read. Its read ends it; write() says so without a
// signal: EFAULT.
TEST(PosixCalls, AChildDoesNotHaveTheMemory) {
  PosixSystemCalls calls;
  MutableByteSpan memory;
  ASSERT_EQ(calls.MapMemory(kPage, false, memory), 0);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(write(ends[1], memory.data(), 1), 1);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(write(ends[1], memory.data(), 1) == -1 && errno == EFAULT ? 0 : 1);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  close(ends[0]);
  close(ends[1]);
  calls.Unmap(memory);
}

TEST(PosixCalls, ALockIsForOneOpenFile) {
  PosixSystemCalls calls;
  const std::string path = std::string(::testing::TempDir()) + "/lock";
  const int first = calls.Open(path, O_RDWR | O_CREAT);
  ASSERT_GE(first, 0);
  const int second = calls.Open(path, O_RDWR);
  EXPECT_EQ(calls.Lock(first), 0);
  EXPECT_EQ(calls.Lock(second), -EWOULDBLOCK);
  calls.Close(first);
  EXPECT_EQ(calls.Lock(second), 0);
  calls.Close(second);
}

}  // namespace
}  // namespace sasd::pci_ioc
