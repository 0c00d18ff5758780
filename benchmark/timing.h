// Clocks and medians.
#pragma once

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <vector>

namespace bpftime::benchmark {

inline double now_ns() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

inline double median(std::vector<double> samples) {
    if (samples.empty()) return 0;
    const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
    std::nth_element(samples.begin(), middle, samples.end());
    return *middle;
}

// Median duration of `repeats` calls of `work`, in microseconds.
template <class Work>
double median_us(int repeats, Work&& work) {
    std::vector<double> samples;
    for (int i = 0; i < repeats; ++i) {
        const double begin = now_ns();
        work();
        samples.push_back((now_ns() - begin) / 1000);
    }
    return median(samples);
}

}  // namespace bpftime::benchmark
