// What the HTTP and HTTPS examples serve.
#pragma once

#include <optional>

#include "access_log.hpp"
#include "file.hpp"
#include "options.hpp"
#include "routes.hpp"
#include "session.hpp"

namespace web {

/// `options` must outlive it.
class example_site {
 public:
  explicit example_site(const options& options);
  example_site(const example_site&) = delete;
  example_site& operator=(const example_site&) = delete;

  const site& get() const noexcept { return site_; }

 private:
  std::optional<file_root> root_;
  routes routes_;
  access_log log_;
  site site_;
};

}  // namespace web
