// The connection against a real server (scripts/dev-postgres), which this program starts itself.
#include "store/postgres/connection.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "claimed_port.hpp"
#include "cmocka.hpp"
#include "postgres_server.hpp"
#include "run_loop.hpp"

using namespace fairlead;
using namespace fairlead::store::postgres;
using namespace std::chrono_literals;

namespace {

// One connection on a loop of its own, and what it said.
struct Scene {
  explicit Scene(const std::string& url, const std::function<void(ConnectionSettings&)>& change = {}) {
    ConnectionSettings settings;
    settings.url = url;
    settings.password_file = (*server)["password_file"];
    settings.channels = {"fairlead_test"};
    settings.backoff_initial = 20ms;
    settings.backoff_max = 100ms;
    if (change) change(settings);
    log.add_sink([this](const base::Record& record) { events.emplace_back(record.event); });
    ConnectionEvents said;
    said.on_ready = [this] { ++ready; };
    said.on_away = [this](const base::Error& error) {
      ++away;
      last_error = error;
    };
    said.on_notify = [this](std::string_view channel, std::string_view payload) {
      news.push_back(std::string(channel) + "=" + std::string(payload));
    };
    auto made = Connection::make(loop, log, settings, std::move(said));
    if (!made) fail_msg("%s", made.error().text().c_str());
    connection = std::move(*made);
    connection->start();
  }
  ~Scene() {
    connection.reset();
    drain(loop);
  }

  void until_ready() {
    const int before = ready;
    run_until(loop, [&] { return connection->ready() && (ready > before || before > 0); }, "a session");
  }
  base::Result<Replies> ask(std::vector<Command> commands) {
    std::optional<base::Result<Replies>> answer;
    connection->run(std::move(commands), [&](base::Result<Replies> replies) { answer = std::move(replies); });
    assert_false(answer.has_value());  // never from inside the call
    run_until(loop, [&] { return answer.has_value(); }, "an answer");
    return std::move(*answer);
  }
  std::string value(const char* sql, Values values = {}) {
    const auto answer = ask({{{"", sql}, std::move(values)}});
    if (!answer) fail_msg("%s", answer.error().text().c_str());
    return std::string((*answer)[0].text(0, 0));
  }

  loop::Loop loop;
  base::Log log;
  std::vector<std::string> events, news;
  int ready = 0, away = 0;
  base::Error last_error;
  std::unique_ptr<Connection> connection;
};

}  // namespace

static void comes_up_with_a_password_from_a_file_and_its_session_settings(void**) {
  Scene scene((*server)["url"]);
  scene.until_ready();
  assert_text_equal(scene.connection->hints(), "listen");
  assert_text_equal(scene.value("show enable_seqscan"), "off");
  assert_text_equal(scene.value("show search_path"), "fairlead");
  assert_text_equal(scene.value("show application_name"), "fairlead");
  assert_text_equal(scene.value("show synchronous_commit"), "on");
  assert_true(scene.connection->server_version() >= 130000);
}

static void looks_names_up_and_takes_the_next_host_when_one_is_dead(void**) {
  const auto port = (*server)["port"];
  // Port 1 refuses; the name is the resolver's to answer.
  Scene scene("postgresql://fairlead@127.0.0.1:1,localhost:" + port +
              "/fairlead?target_session_attrs=read-write");
  scene.until_ready();
  assert_int_equal(scene.away, 0);
  assert_text_equal(scene.value("select 'x'"), "x");
}

static void a_server_that_takes_no_writes_is_passed_over(void**) {
  Scene scene((*server)["url"] + "?target_session_attrs=standby");
  run_until(scene.loop, [&] { return scene.away >= 2; }, "two rounds without a fit server");
  assert_non_null(strstr(scene.last_error.text().c_str(), "standby"));
  assert_int_equal(scene.ready, 0);
}

static void a_wrong_password_is_said_and_never_shown(void**) {
  TempFolder folder;
  const auto file = folder.put("password", "tops3cret\n");
  Scene scene((*server)["url"], [&](ConnectionSettings& settings) { settings.password_file = file; });
  run_until(scene.loop, [&] { return scene.away > 0; }, "a refusal");
  assert_non_null(strstr(scene.last_error.text().c_str(), "password authentication failed"));
  assert_null(strstr(scene.last_error.text().c_str(), "tops3cret"));
  // The file is read for each round: mending it is enough.
  folder.put("password", read_text((*server)["password_file"]));
  scene.until_ready();
}

static void a_password_that_others_can_read_is_not_used(void**) {
  TempFolder folder;
  const auto file = folder.put("password", read_text((*server)["password_file"]), 0644);
  Scene scene((*server)["url"], [&](ConnectionSettings& settings) { settings.password_file = file; });
  run_until(scene.loop, [&] { return scene.away > 0; }, "a refusal");
  assert_non_null(strstr(scene.last_error.text().c_str(), "chmod 600"));
  assert_int_equal(::chmod(file.c_str(), 0600), 0);
  scene.until_ready();
}

static void a_batch_is_one_transaction_and_batches_share_a_turn(void**) {
  Scene scene((*server)["url"]);
  scene.until_ready();
  assert_true(scene.ask({{{"", "create table if not exists public.t (n int primary key)"}, {}}}).ok());
  assert_true(scene.ask({{{"", "delete from public.t"}, {}}}).ok());
  static constexpr Statement kInsert{"insert_t", "insert into public.t values ($1::int)"};
  std::vector<base::Result<Replies>> answers;
  const auto keep = [&](base::Result<Replies> replies) { answers.push_back(std::move(replies)); };
  scene.connection->run({{kInsert, {"1"}}, {kInsert, {"2"}}}, keep);
  scene.connection->run({{kInsert, {"3"}}, {kInsert, {"1"}}}, keep);  // the second is there already
  scene.connection->run({{kInsert, {"4"}}}, keep);
  run_until(scene.loop, [&] { return answers.size() == 3; }, "three answers");
  assert_true(answers[0].ok());
  assert_int_equal((*answers[0])[1].affected(), 1);
  assert_false(answers[1].ok());
  assert_true(answers[1].error().code == base::Code::conflict);
  assert_true(answers[2].ok());
  assert_text_equal(scene.value("select string_agg(n::text, ',' order by n) from public.t"), "1,2,4");
}

static void a_statement_that_cannot_be_prepared_names_itself(void**) {
  Scene scene((*server)["url"]);
  scene.until_ready();
  const auto answer = scene.ask({{{"broken", "select no_such_column"}, {}}});
  assert_false(answer.ok());
  assert_non_null(strstr(answer.error().message.c_str(), "no_such_column"));
  assert_non_null(strstr(answer.error().message.c_str(), "statement broken"));
  assert_text_equal(scene.value("select 1"), "1");
}

static void nulls_and_odd_texts_arrive_as_they_are(void**) {
  Scene scene((*server)["url"]);
  scene.until_ready();
  const auto answer = scene.ask({{{"", "select $1::text, $2::text"}, {std::nullopt, "a'\"\\\n;--\xc3\xa4"}}});
  assert_true(answer.ok());
  assert_true((*answer)[0].is_null(0, 0));
  assert_text_equal((*answer)[0].text(0, 1), "a'\"\\\n;--\xc3\xa4");
}

static void notifications_arrive_without_a_command_under_way(void**) {
  Scene hears((*server)["url"]);
  hears.until_ready();
  {
    Scene says((*server)["socket_url"]);
    says.until_ready();
    says.value("select pg_notify('fairlead_test', '42')");
  }
  run_until(hears.loop, [&] { return !hears.news.empty(); }, "news");
  assert_text_equal(hears.news[0], "fairlead_test=42");
}

static void large_batches_do_not_wedge_the_pipeline(void**) {
  Scene scene((*server)["url"]);
  scene.until_ready();
  const std::string big(256u << 10, 'x');
  int answered = 0;
  for (int i = 0; i < 64; ++i)
    scene.connection->run({{{"echo", "select $1::text"}, {big}}}, [&](base::Result<Replies> replies) {
      assert_true(replies.ok());
      assert_int_equal((*replies)[0].text(0, 0).size(), big.size());
      ++answered;
    });
  run_until(scene.loop, [&] { return answered == 64; }, "16 MiB there and back");
}

static void what_is_under_way_ends_as_unavailable_and_the_session_comes_back(void**) {
  Scene scene((*server)["url"]);
  scene.until_ready();
  std::optional<base::Result<Replies>> answer;
  scene.connection->run({{{"", "select pg_sleep(60)"}, {}}},
                        [&](base::Result<Replies> replies) { answer = std::move(replies); });
  run_for(scene.loop, 100ms);
  server->crash();
  run_until(scene.loop, [&] { return answer.has_value(); }, "an answer");
  assert_false(answer->ok());
  assert_true(answer->error().code == base::Code::unavailable);
  assert_non_null(strstr(answer->error().message.c_str(), "not known"));
  const auto refused = scene.ask({{{"", "select 1"}, {}}});
  assert_false(refused.ok());
  assert_true(refused.error().code == base::Code::unavailable);
  server->start();
  scene.until_ready();
  assert_text_equal(scene.value("select 2"), "2");
  assert_text_equal(scene.connection->hints(), "listen");
}

static void a_backend_that_is_terminated_is_a_loss(void**) {
  Scene scene((*server)["url"]), other((*server)["url"]);
  scene.until_ready();
  other.until_ready();
  const auto pid = scene.value("select pg_backend_pid()");
  assert_text_equal(other.value("select pg_terminate_backend($1::int)", {pid}), "t");
  run_until(scene.loop, [&] { return scene.ready == 2; }, "a second session");
  assert_true(scene.value("select pg_backend_pid()") != pid);
}

// Answer and end came in one read: the answer was dropped, and whoever waited for it waited for ever.
static void what_was_answered_before_the_end_is_delivered(void**) {
  Scene scene((*server)["url"]);
  scene.until_ready();
  int answered = 0, lost = 0;
  const auto count = [&](const base::Result<Replies>& replies) { ++(replies.ok() ? answered : lost); };
  for (const char* sql : {"select repeat('x', 60000)",  // libpq looks for the end behind much only
                          "select pg_terminate_backend(pg_backend_pid())", "select 1"})
    scene.connection->run({{{"", sql}, {}}}, count);
  loop::Timer stall(scene.loop, "stall", [] { ::usleep(500'000); });
  stall.start(1ms);
  run_until(scene.loop, [&] { return answered + lost == 3; }, "three answers");
  assert_int_equal(answered, 1);
  scene.until_ready();
}

static void a_server_that_does_not_answer_is_given_up(void**) {
  Scene scene((*server)["url"], [](ConnectionSettings& settings) { settings.reply_deadline = 300ms; });
  scene.until_ready();
  const auto answer = scene.ask({{{"", "select pg_sleep(60)"}, {}}});
  assert_false(answer.ok());
  assert_true(answer.error().code == base::Code::unavailable);
  scene.until_ready();
}

static void a_listener_that_is_silent_has_a_deadline(void**) {
  int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  base::UniqueFd claim;
  for (std::uint16_t port = 20000; port < 32000; port = static_cast<std::uint16_t>(port + 97)) {
    address.sin_port = htons(port);
    claim = claim_port(port);
    if (claim && ::bind(silent, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) break;
  }
  assert_int_equal(::listen(silent, 8), 0);
  const auto port = std::to_string(ntohs(address.sin_port));
  {
    // The next host is reached all the same.
    Scene scene("postgresql://fairlead@127.0.0.1:" + port + ",127.0.0.1:" + (*server)["port"] + "/fairlead",
                [](ConnectionSettings& settings) { settings.connect_deadline = 5s; });
    scene.until_ready();
    assert_int_equal(scene.away, 0);
  }
  ::close(silent);
}

static void stopping_answers_what_is_under_way(void**) {
  Scene scene((*server)["url"]);
  scene.until_ready();
  std::optional<base::Result<Replies>> answer;
  scene.connection->run({{{"", "select pg_sleep(60)"}, {}}},
                        [&](base::Result<Replies> replies) { answer = std::move(replies); });
  run_for(scene.loop, 50ms);
  scene.connection->stop();
  assert_false(answer.has_value());
  run_until(scene.loop, [&] { return answer.has_value(); }, "an answer");
  assert_true(answer->error().code == base::Code::unavailable);
}

static void may_be_destroyed_from_its_own_callback(void**) {
  Scene scene((*server)["url"]);
  scene.until_ready();
  bool called = false;
  scene.connection->run({{{"", "select 1"}, {}}}, [&](const base::Result<Replies>&) {
    scene.connection.reset();
    called = true;
  });
  run_until(scene.loop, [&] { return called; }, "the answer");
}

static void connection_strings_are_taken_apart(void**) {
  const auto target = parse_target("postgresql://u:secret@a,b:7,c/db?port=1,2,3");
  assert_false(target.ok() && target->hosts.size() != 3);
  const auto several = parse_target("host=a,b hostaddr=10.0.0.1,10.0.0.2 port=5433 dbname=d password=secret");
  assert_true(several.ok());
  assert_int_equal(several->hosts.size(), 2);
  assert_text_equal(several->hosts[1].name, "b");
  assert_text_equal(several->hosts[1].address, "10.0.0.2");
  assert_text_equal(several->hosts[1].port, "5433");
  assert_text_equal(several->hosts[1].lookup(), "");
  assert_text_equal(several->place(), "a:5433,b:5433/d");
  for (const char* bad : {"host=a,b hostaddr=10.0.0.1", "host=a,b,c port=1,2", "service=x",
                          "postgresql://%zz", "password=secret nonsense"}) {
    const auto refused = parse_target(bad);
    assert_false(refused.ok());
    assert_true(refused.error().code == base::Code::bad_config);
    assert_null(strstr(refused.error().message.c_str(), "secret"));
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(connection_strings_are_taken_apart),
      cmocka_unit_test(comes_up_with_a_password_from_a_file_and_its_session_settings),
      cmocka_unit_test(looks_names_up_and_takes_the_next_host_when_one_is_dead),
      cmocka_unit_test(a_server_that_takes_no_writes_is_passed_over),
      cmocka_unit_test(a_wrong_password_is_said_and_never_shown),
      cmocka_unit_test(a_password_that_others_can_read_is_not_used),
      cmocka_unit_test(a_batch_is_one_transaction_and_batches_share_a_turn),
      cmocka_unit_test(a_statement_that_cannot_be_prepared_names_itself),
      cmocka_unit_test(nulls_and_odd_texts_arrive_as_they_are),
      cmocka_unit_test(notifications_arrive_without_a_command_under_way),
      cmocka_unit_test(large_batches_do_not_wedge_the_pipeline),
      cmocka_unit_test(what_is_under_way_ends_as_unavailable_and_the_session_comes_back),
      cmocka_unit_test(a_backend_that_is_terminated_is_a_loss),
      cmocka_unit_test(what_was_answered_before_the_end_is_delivered),
      cmocka_unit_test(a_server_that_does_not_answer_is_given_up),
      cmocka_unit_test(a_listener_that_is_silent_has_a_deadline),
      cmocka_unit_test(stopping_answers_what_is_under_way),
      cmocka_unit_test(may_be_destroyed_from_its_own_callback),
  };
  return cmocka_run_group_tests_name("store_postgres_connection", tests, start_server, stop_server);
}
