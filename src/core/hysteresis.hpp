// Rise and fall thresholds: a single good or bad result does not flip the verdict. Pure.
#pragma once

namespace fairlead::core {

class Hysteresis {
 public:
  // `fall` bad results in a row turn it bad, `rise` good ones turn it good. Starts good. Both at least 1.
  Hysteresis(int rise, int fall) : rise_(rise), fall_(fall) {}

  // Takes one result; true when the verdict changed.
  bool add(bool good) {
    if (good == good_) {
      streak_ = 0;
      return false;
    }
    if (++streak_ < (good ? rise_ : fall_)) return false;
    good_ = good;
    streak_ = 0;
    return true;
  }
  bool good() const { return good_; }

 private:
  int rise_, fall_;
  int streak_ = 0;  // results in a row that contradict the verdict
  bool good_ = true;
};

}  // namespace fairlead::core
