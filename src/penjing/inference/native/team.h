// A few threads that do the parts of one job together, over and over. Between jobs they look for the next one for a
// while, then sleep.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

inline void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

class Team {
  public:
    explicit Team(int size) : size_(size) {
        for (int number = 1; number < size; number++) threads_.emplace_back([this, number] { serve(number); });
    }
    ~Team() {
        {
            std::lock_guard<std::mutex> hold(lock_);
            ends_ = true;
            job_number_.fetch_add(1);
        }
        wake_.notify_all();
        for (auto& thread : threads_) thread.join();
    }
    int size() const { return size_; }

    // Calls job(number) on every thread, the caller's among them, and returns when all are done.
    void run(const std::function<void(int)>& job) {
        if (size_ == 1) { job(0); return; }
        job_ = &job;
        working_.store(size_ - 1, std::memory_order_relaxed);
        {
            std::lock_guard<std::mutex> hold(lock_);
            job_number_.fetch_add(1, std::memory_order_release);
        }
        wake_.notify_all();
        job(0);
        for (int turns = 0; working_.load(std::memory_order_acquire) > 0; turns++) rest(turns);
    }

    // Returns when all threads of a job have come here.
    void meet() {
        if (size_ == 1) return;
        const unsigned round = round_.load(std::memory_order_acquire);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) == size_ - 1) {
            arrived_.store(0, std::memory_order_relaxed);
            round_.store(round + 1, std::memory_order_release);
            return;
        }
        for (int turns = 0; round_.load(std::memory_order_acquire) == round; turns++) rest(turns);
    }

  private:
    static constexpr int LOOKS = 20000;  // before a thread sleeps, or lets others have its core

    static void rest(int turns) {
        if (turns < LOOKS) pause_briefly();
        else std::this_thread::yield();
    }
    void serve(int number) {
        unsigned done = 0;
        for (;;) {
            int turns = 0;
            while (job_number_.load(std::memory_order_acquire) == done && turns < LOOKS) { pause_briefly(); turns++; }
            if (job_number_.load(std::memory_order_acquire) == done) {
                std::unique_lock<std::mutex> hold(lock_);
                wake_.wait(hold, [&] { return job_number_.load() != done; });
            }
            done = job_number_.load(std::memory_order_acquire);
            if (ends_) return;
            (*job_)(number);
            working_.fetch_sub(1, std::memory_order_release);
        }
    }

    const int size_;
    std::vector<std::thread> threads_;
    std::mutex lock_;
    std::condition_variable wake_;
    const std::function<void(int)>* job_ = nullptr;
    bool ends_ = false;
    alignas(64) std::atomic<unsigned> job_number_{0};
    alignas(64) std::atomic<int> working_{0};
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<unsigned> round_{0};
};
