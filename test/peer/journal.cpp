#include "journal.hpp"

#include <algorithm>

namespace iom::peer {

namespace {

template <class Record>
void keep_last(std::deque<Record>& records, Record record) {
    if (records.size() == journal::most_records) {
        records.pop_front();
    }
    records.push_back(std::move(record));
}

} // namespace

void journal::arrived(moment now) {
    ++count.connections;
    while (!arrivals_.empty() && arrivals_.front() <= now - moment{1000}) {
        arrivals_.pop_front();
    }
    arrivals_.push_back(now);
    count.most_arrivals_per_second =
        std::max<std::uint64_t>(count.most_arrivals_per_second, arrivals_.size());
}

void journal::add(upgrade_record record) {
    keep_last(upgrades_, std::move(record));
}

void journal::add(close_record record) {
    keep_last(closes_, std::move(record));
}

void journal::add(report_record record) {
    keep_last(reports_, std::move(record));
}

std::uint64_t journal::plays(const std::string& target) {
    if (plays_.size() >= most_targets && !plays_.contains(target)) {
        plays_.clear();
    }
    return plays_[target]++;
}

} // namespace iom::peer
