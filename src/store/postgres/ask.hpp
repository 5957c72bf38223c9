// For the two files of PostgresTaskStore's calls: how replies become answers.
#pragma once
#include <ranges>
#include <utility>

#include "store/postgres/postgres_task_store.hpp"

namespace fairlead::store::postgres {

inline auto rows_of(const Reply& reply) {
  return std::views::iota(0, reply.rows());
}

template <typename T>
void PostgresTaskStore::ask(std::vector<Command> commands, core::Answer<T> done,
                            std::function<base::Result<T>(const Replies&)> read) {
  call(std::move(commands), [done = std::move(done), read = std::move(read)](base::Result<Replies> replies) {
    if (replies)
      done(read(*replies));
    else
      done(replies.error());
  });
}

}  // namespace fairlead::store::postgres
