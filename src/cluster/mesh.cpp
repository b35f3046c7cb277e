#include "cluster/mesh.h"

#include <utility>
#include <variant>

#include "cluster/mesh_state.h"

namespace martlet::cluster {

Mesh::Mesh(Settings settings, uint64_t seed)
    : state_(std::make_unique<State>(std::move(settings), seed)) {}

Mesh::~Mesh() = default;

void Mesh::Start(uint64_t now_ms, Actions& out) {
  state_->Begin(now_ms, out);
  state_->Start();
  state_->End();
}

void Mesh::OnEvent(const Event& event, uint64_t now_ms, Actions& out) {
  state_->Begin(now_ms, out);
  std::visit([&](const auto& one) { state_->On(one); }, event);
  state_->End();
}

void Mesh::OnTimer(uint64_t now_ms, Actions& out) {
  state_->Begin(now_ms, out);
  state_->OnTimer();
  state_->End();
}

uint64_t Mesh::NextTimer() const { return state_->NextTimer(); }

void Mesh::Reload(Settings settings, uint64_t now_ms, Actions& out) {
  state_->Begin(now_ms, out);
  state_->Reload(std::move(settings));
  state_->End();
}

void Mesh::EnterLameDuck(Actions& out) {
  state_->Begin(0, out);
  state_->EnterLameDuck();
  state_->End();
}

void Mesh::Stop(Actions& out) {
  state_->Begin(0, out);
  state_->Stop();
  state_->End();
}

const std::string& Mesh::cluster_name() const { return state_->cluster_name(); }
size_t Mesh::links() const { return state_->links(); }
size_t Mesh::remotes() const { return state_->remotes(); }
uint64_t Mesh::member_differences() const { return state_->member_differences(); }
std::vector<LinkView> Mesh::Registered() const { return state_->Registered(); }

}  // namespace martlet::cluster
