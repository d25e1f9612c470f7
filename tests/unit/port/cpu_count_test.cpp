// The CPU quota, read from trees of cgroup files as kernels, containers and old systems show them.
#include "port/cpu_count.hpp"

#include <sched.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "unit_support.hpp"

namespace {

using weft::detail::cgroup_quota;
using weft::detail::default_max_procs;

/// A root directory for one test.
class cpu_count : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "weft-cpu-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void put(const std::string& path, const std::string& text) {
    const std::filesystem::path whole = root_ + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }
  void put_v2(const std::string& cgroup, const std::string& limit) {
    put("/sys/fs/cgroup" + cgroup + "/cpu.max", limit);
  }
  void put_v1(const std::string& cgroup, const std::string& quota, const std::string& period) {
    put("/sys/fs/cgroup/cpu,cpuacct" + cgroup + "/cpu.cfs_quota_us", quota);
    put("/sys/fs/cgroup/cpu,cpuacct" + cgroup + "/cpu.cfs_period_us", period);
  }
  void be_in_v2(const std::string& cgroup, const std::string& mount_root = "/") {
    put("/proc/self/cgroup", "0::" + cgroup + "\n");
    put("/proc/self/mountinfo",
        "22 1 0:21 / /proc rw,nosuid shared:12 - proc proc rw\n"
        "30 23 0:26 " +
            mount_root + " /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
  }
  void be_in_v1(const std::string& cgroup, const std::string& mount_root = "/") {
    put("/proc/self/cgroup", "12:cpuset:/elsewhere\n4:cpu,cpuacct:" + cgroup + "\n0::/\n");
    put("/proc/self/mountinfo", v1_mounts(mount_root));
  }
  static std::string v1_mounts(const std::string& mount_root) {
    return "31 23 0:27 / /sys/fs/cgroup/cpuset rw shared:9 - cgroup cgroup rw,cpuset\n"
           "32 23 0:28 " +
           mount_root + " /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n";
  }

  std::string root_;
};

TEST_F(cpu_count, no_files_no_quota) { EXPECT_EQ(cgroup_quota(root_), std::nullopt); }

TEST_F(cpu_count, files_without_sense_no_quota) {
  put("/proc/self/cgroup", "nonsense\n::\n:\n\n0:\n");
  put("/proc/self/mountinfo", "nonsense\n - \n1 2 3 - cgroup2\n - cgroup2 x y\n");
  EXPECT_EQ(cgroup_quota(root_), std::nullopt);
}

TEST_F(cpu_count, v2_quota) {
  be_in_v2("/app");
  put_v2("/app", "150000 100000\n");
  EXPECT_EQ(cgroup_quota(root_), 1.5);
}

TEST_F(cpu_count, v2_max_is_no_quota) {
  be_in_v2("/app");
  put_v2("/app", "max 100000\n");
  EXPECT_EQ(cgroup_quota(root_), std::nullopt);
}

TEST_F(cpu_count, v2_in_the_root_cgroup) {
  be_in_v2("/");
  EXPECT_EQ(cgroup_quota(root_), std::nullopt);
  put_v2("", "300000 100000\n");
  EXPECT_EQ(cgroup_quota(root_), 3.0);
}

TEST_F(cpu_count, v2_a_parent_may_bind) {
  be_in_v2("/a/b/c");
  put_v2("/a", "200000 100000\n");
  put_v2("/a/b", "max 100000\n");
  put_v2("/a/b/c", "400000 100000\n");
  EXPECT_EQ(cgroup_quota(root_), 2.0);
}

TEST_F(cpu_count, v2_the_own_cgroup_may_bind) {
  be_in_v2("/a/b/c");
  put_v2("/a", "800000 100000\n");
  put_v2("/a/b/c", "10000 20000\n");
  EXPECT_EQ(cgroup_quota(root_), 0.5);
}

TEST_F(cpu_count, v2_a_sibling_does_not_bind) {
  be_in_v2("/a/b");
  put_v2("/a/other", "100000 100000\n");
  EXPECT_EQ(cgroup_quota(root_), std::nullopt);
}

TEST_F(cpu_count, v2_inside_a_container_that_sees_only_its_part) {
  be_in_v2("/docker/77/inner", "/docker/77");
  put_v2("", "250000 100000\n");
  put_v2("/inner", "max 100000\n");
  EXPECT_EQ(cgroup_quota(root_), 2.5);
}

TEST_F(cpu_count, v2_a_name_with_a_colon) {
  be_in_v2("/user:1000/app");
  put_v2("/user:1000/app", "100000 50000\n");
  EXPECT_EQ(cgroup_quota(root_), 2.0);
}

TEST_F(cpu_count, v2_broken_files_are_no_quota) {
  be_in_v2("/a/b/c/d");
  put_v2("/a", "\n");
  put_v2("/a/b", "-5 100000\n");
  put_v2("/a/b/c", "100000 0\n");
  put_v2("/a/b/c/d", "100000\n");
  EXPECT_EQ(cgroup_quota(root_), std::nullopt);
}

TEST_F(cpu_count, v1_quota) {
  be_in_v1("/app");
  put_v1("/app", "50000\n", "100000\n");
  EXPECT_EQ(cgroup_quota(root_), 0.5);
}

TEST_F(cpu_count, v1_minus_one_is_no_quota) {
  be_in_v1("/app");
  put_v1("/app", "-1\n", "100000\n");
  EXPECT_EQ(cgroup_quota(root_), std::nullopt);
}

TEST_F(cpu_count, v1_a_parent_may_bind) {
  be_in_v1("/a/b");
  put_v1("", "-1\n", "100000\n");
  put_v1("/a", "300000\n", "100000\n");
  put_v1("/a/b", "900000\n", "100000\n");
  EXPECT_EQ(cgroup_quota(root_), 3.0);
}

TEST_F(cpu_count, v1_inside_a_container_that_sees_only_its_part) {
  be_in_v1("/docker/77", "/docker/77");
  put_v1("", "150000\n", "100000\n");
  EXPECT_EQ(cgroup_quota(root_), 1.5);
}

TEST_F(cpu_count, v1_cpuset_is_not_cpu) {
  put("/proc/self/cgroup", "12:cpuset:/app\n");
  put("/proc/self/mountinfo", "31 23 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n");
  put("/sys/fs/cgroup/cpuset/app/cpu.cfs_quota_us", "100000\n");
  put("/sys/fs/cgroup/cpuset/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_quota(root_), std::nullopt);
}

TEST_F(cpu_count, both_versions_the_smaller_binds) {
  put("/proc/self/cgroup", "4:cpu,cpuacct:/old\n0::/new\n");
  put("/proc/self/mountinfo",
      v1_mounts("/") + "40 23 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  put("/sys/fs/cgroup/unified/new/cpu.max", "300000 100000\n");
  put_v1("/old", "400000\n", "100000\n");
  EXPECT_EQ(cgroup_quota(root_), 3.0);
  put_v1("/old", "200000\n", "100000\n");
  EXPECT_EQ(cgroup_quota(root_), 2.0);
}

TEST_F(cpu_count, both_versions_mounted_but_cpu_belongs_to_the_old_one) {
  put("/proc/self/cgroup", "4:cpu,cpuacct:/old\n0::/new\n");
  put("/proc/self/mountinfo",
      v1_mounts("/") + "40 23 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  put("/sys/fs/cgroup/unified/new/cgroup.procs", "1\n");
  put_v1("/old", "400000\n", "100000\n");
  EXPECT_EQ(cgroup_quota(root_), 4.0);
}

TEST_F(cpu_count, the_machine_itself_can_be_asked) { EXPECT_GT(cgroup_quota().value_or(1.0), 0.0); }

TEST_F(cpu_count, affinity_is_what_the_kernel_says) {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) GTEST_SKIP() << "more CPUs than a cpu_set_t";
  EXPECT_EQ(weft::detail::affinity_count(), CPU_COUNT(&set));
}

TEST_F(cpu_count, the_default_number_of_processors) {
  struct {
    int affinity;
    std::optional<double> quota;
    int expected;
  } const table[] = {
      {8, std::nullopt, 8}, {1, std::nullopt, 1}, {8, 8.0, 8},
      {8, 16.0, 8},         {8, 7.01, 8},         {8, 7.0, 7},
      {8, 2.5, 3},          {8, 2.0, 2},          {8, 1.0, 2},
      {8, 0.01, 2},         {2, 0.5, 2},          {1, 0.5, 1},
      {1, 4.0, 1},          {8, 1e300, 8},        {8, std::numeric_limits<double>::infinity(), 8},
  };
  for (const auto& row : table)
    EXPECT_EQ(default_max_procs(row.affinity, row.quota), row.expected)
        << "affinity " << row.affinity << ", quota " << row.quota.value_or(-1);
}

}  // namespace
