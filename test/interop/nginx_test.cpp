// Through nginx as a TLS proxy in front of iompeer.

#include "support/programs.hpp"

#include <gtest/gtest.h>

namespace {

using iom::test::process;
using iom::test::result;

TEST(Nginx, CarriesTheSessionOverTlsToTheFarEnd) {
    iom::test::temporary_folder folder;
    iom::test::certificates keys(folder.path() / "keys");
    const auto own = keys.issue("proxy", "DNS:localhost,IP:127.0.0.1", "rsa");
    const iom::test::peer far_end;
    const std::string port = std::to_string(iom::test::free_port());
    const std::string here = folder.path().string();
    const auto configuration = folder.write("nginx.conf", R"(daemon off;
master_process off;
pid )" + here + R"(/nginx.pid;
error_log stderr notice;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path )" + here + R"(/body;
  proxy_temp_path )" + here + R"(/proxy;
  fastcgi_temp_path )" + here + R"(/fastcgi;
  uwsgi_temp_path )" + here + R"(/uwsgi;
  scgi_temp_path )" + here + R"(/scgi;
  server {
    listen 127.0.0.1:)" + port + R"( ssl;
    ssl_certificate )" + own.certificate + R"(;
    ssl_certificate_key )" + own.key + R"(;
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {
      proxy_pass http://127.0.0.1:)" + std::to_string(far_end.port()) +
                                                              R"(;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_set_header Host $host;
    }
  }
}
)");
    // Debian has it where only root looks.
    process proxy({"sh", "-c", "exec \"$(command -v nginx || echo /usr/sbin/nginx)\" -e stderr -c \"$0\"",
                   configuration.string()});
    const auto number = static_cast<std::uint16_t>(std::stoi(port));
    ASSERT_TRUE(iom::test::eventually(
        [&] { return !iom::test::http(number, "GET", "/").empty() || !proxy.running(); }));
    ASSERT_TRUE(proxy.running()) << proxy.bytes(process::stream::err);

    const result ended =
        iom::test::run({iom::test::iomhost(), "connect", "wss://localhost:" + port + "/", "--linger", "0.3",
                        "--ca", keys.authority(), "--modules", iom::test::module_folder().string()},
                       "through the proxy\n");
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    EXPECT_EQ(ended.out, "through the proxy\n") << ended.err;

    const result refused =
        iom::test::run({iom::test::iomhost(), "connect", "wss://localhost:" + port + "/status/503", "--ca",
                        keys.authority(), "--modules", iom::test::module_folder().string()});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_NE(refused.err.find("503"), std::string::npos) << refused.err;
}

} // namespace
