// Products of oneDNN 2 (Debian's libdnnl-dev) for scripts/bench --products: y = x Wᵀ of [M, K] and [N, K] in Float32, and in
// bfloat16 with operands that are stored so, or rounded each time. A line `KIND MxNxK<TAB>repetitions` gives one of JSON.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "oneapi/dnnl/dnnl.hpp"

using namespace dnnl;
using Type = memory::data_type;
using Tag = memory::format_tag;

int main() {
  engine cpu(engine::kind::cpu, 0);
  stream work(cpu);
  const version_t *v = dnnl_version();
  std::printf("{\"program\": \"oneDNN %d.%d.%d\"}\n", v->major, v->minor, v->patch);
  std::fflush(stdout);
  std::string line;
  while (std::getline(std::cin, line)) {
    char kind[16];
    long m, n, k;
    int repetitions;
    if (std::sscanf(line.c_str(), "%15s %ldx%ldx%ld\t%d", kind, &m, &n, &k, &repetitions) != 5) continue;
    bool rounds = std::strcmp(kind, "rounded") == 0, half = rounds || std::strcmp(kind, "bfloat16") == 0;
    std::vector<float> x(m * k), w(n * k), y(m * n);
    for (size_t i = 0; i < x.size(); i++) x[i] = float(i % 13) / 13 - 0.5f;
    for (size_t i = 0; i < w.size(); i++) w[i] = float(i % 17) / 17 - 0.5f;
    memory::desc single_x({m, k}, Type::f32, Tag::ab), single_w({k, n}, Type::f32, Tag::ba);
    memory::desc result({m, n}, Type::f32, Tag::ab);
    memory x1(single_x, cpu, x.data()), w1(single_w, cpu, w.data()), y1(result, cpu, y.data());
    auto type = half ? Type::bf16 : Type::f32;
    // Stored operands may lie as the library likes best; those that come in Float32 each time are laid out so each time.
    memory::desc any_x({m, k}, type, half ? Tag::any : Tag::ab), any_w({k, n}, type, half ? Tag::any : Tag::ba);
    matmul::primitive_desc chosen(matmul::desc(any_x, any_w, result), cpu);
    memory x2 = half ? memory(chosen.src_desc(), cpu) : x1, w2 = half ? memory(chosen.weights_desc(), cpu) : w1;
    matmul product(chosen);
    auto round = [&] {
      reorder(x1, x2).execute(work, x1, x2);
      reorder(w1, w2).execute(work, w1, w2);
    };
    auto run = [&] {
      if (rounds) round();
      product.execute(work, {{DNNL_ARG_SRC, x2}, {DNNL_ARG_WEIGHTS, w2}, {DNNL_ARG_DST, y1}});
      work.wait();
    };
    if (half) round();
    run();
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < repetitions; i++) run();
    std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    std::printf("{\"case\": \"%s\", \"seconds\": %.9g, \"first\": %.6g}\n", kind, taken.count() / repetitions, y[0]);
    std::fflush(stdout);
  }
}
