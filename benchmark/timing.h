// Clocks and medians.
#pragma once

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <vector>

namespace bpftime::benchmark {

inline double read_clock(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// Wall clock: cheap to read, for what takes microseconds and is rarely interrupted.
inline double now_ns() { return read_clock(CLOCK_MONOTONIC); }
// Processor time of this thread: for what takes longer, so that other processes count less.
inline double cpu_ns() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

inline double median(std::vector<double> samples) {
    if (samples.empty()) return 0;
    const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
    std::nth_element(samples.begin(), middle, samples.end());
    return *middle;
}

// Median duration of `repeats` calls of `work`, in microseconds, by wall clock or processor time.
template <class Work>
double median_us(int repeats, double (*clock)(), Work&& work) {
    std::vector<double> samples;
    for (int i = 0; i < repeats; ++i) {
        const double begin = clock();
        work();
        samples.push_back((clock() - begin) / 1000);
    }
    return median(samples);
}

}  // namespace bpftime::benchmark
