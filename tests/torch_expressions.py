"""Expressions that mean the same in both libraries; test_torch_functions.py runs them.

A line holds one, or several with commas between them. The names in them are tensors:
float64: x, y (3, 4); p (3, 4), between 0.1 and 0.9; v, w (4); m (4, 4); s (4, 4), symmetric and
positive definite; t (2, 3, 4). int64: i, k (3, 4), from -5 to 5, k without 0; j (3), from 0 to 3.
bool: b, c (3, 4).
"""

CREATION = """
torch.arange(5)
torch.arange(1, 2.5, 0.5)
torch.arange(5, 0, -2, dtype=torch.float64)
torch.linspace(0, 1, 5)
torch.linspace(3, -3, steps=1)
torch.logspace(0, 2, 5)
torch.logspace(0, 3, 4, base=2)
torch.eye(3)
torch.eye(2, 4, dtype=torch.int32)
torch.full((2, 3), 7)
torch.full((2,), 1.5)
torch.full((2,), True)
torch.full_like(x, 3)
torch.full_like(i, 3)
torch.zeros(2, 3)
torch.zeros((2, 3), dtype=torch.bool)
torch.zeros_like(x)
torch.zeros_like(i, dtype=torch.float32)
torch.ones(2)
torch.ones(())
torch.ones_like(b)
torch.empty(2, 3).shape
torch.empty_like(x).dtype
torch.tensor([1, 2])
torch.tensor([1, 2.5])
torch.tensor([[True, False]])
torch.tensor(3.0)
torch.tensor([])
torch.as_tensor([1.0, 2.0])
torch.asarray([1, 2])
torch.scalar_tensor(2)
torch.tril_indices(3, 4, 1)
torch.triu_indices(4, 3, -1)
torch.from_numpy(np.arange(3))
torch.rand(2, 3).shape
torch.rand((2, 3)).dtype
torch.rand_like(x).shape
torch.randn(2).dtype
torch.randn_like(x).shape
torch.randint(5, (2, 3)).dtype
torch.randint(2, 5, (3,)).shape
torch.randint_like(i, 5).dtype
torch.randperm(5).sort().values
torch.bernoulli(torch.ones(3))
torch.bernoulli(torch.zeros(3))
torch.multinomial(torch.tensor([0.0, 1.0, 0.0]), 4, replacement=True)
torch.normal(torch.arange(3.0), torch.zeros(3))
torch.normal(0.0, 1.0, (2, 3)).shape
torch.poisson(torch.zeros(3))
torch.is_tensor(x)
torch.is_tensor(3)
torch.is_floating_point(i)
torch.numel(x)
"""

ELEMENTWISE = """
torch.add(x, y)
torch.add(x, y, alpha=2)
torch.add(x, i)
torch.add(i, 2.5)
torch.add(b, c)
torch.sub(x, y, alpha=0.5)
torch.subtract(x, v)
torch.mul(x, y)
torch.multiply(x, i)
torch.div(x, y)
torch.div(i, k)
torch.div(x, y, rounding_mode="floor")
torch.div(i, k, rounding_mode="trunc")
torch.divide(x, 3)
torch.true_divide(i, 2)
torch.floor_divide(i, k)
torch.remainder(i, k)
torch.remainder(x, 2)
torch.fmod(i, k)
torch.fmod(x, 2)
torch.rsub(x, y)
torch.rsub(x, 2)
torch.pow(x, 2)
torch.pow(x, 3.0)
torch.pow(p, y)
torch.pow(2, x)
torch.pow(i, 2)
x + 1, 1 + x, x - 1, 1 - x, x * 2, 2 * x, x / 2, 2 / k
x.detach() // 2, x % 2, 7 // k, 7 % k, i // k, i % k
x ** 2, 2 ** x, p ** 0.5, i ** 2
-x, +x, abs(x), -i
x < y, x <= y, x > y, x >= y, x == y, x != y
x < 0, i == 1, 0 < x, b == c
b & c, b | c, b ^ c, ~b, i & k, i | k, i ^ k, ~i
torch.bitwise_and(i, k), torch.bitwise_or(i, 3), torch.bitwise_xor(b, c), torch.bitwise_not(i)
torch.logical_and(x, y), torch.logical_or(b, i), torch.logical_xor(b, c), torch.logical_not(x)
torch.eq(x, y), torch.ne(x, 0), torch.lt(x, y), torch.le(x, y), torch.gt(x, 0), torch.ge(i, k)
torch.equal(x, x), torch.equal(x, y)
torch.allclose(x, x + 1e-9), torch.allclose(x, y), torch.allclose(x, x + 0.1, atol=1.0)
torch.isclose(x, x + 1e-9), torch.isclose(x, y, rtol=0.5), torch.isclose(i, k)
torch.isfinite(x), torch.isinf(x), torch.isnan(x), torch.isfinite(i)
torch.maximum(x, y)
torch.minimum(x, y)
torch.clamp(x, -0.5, 0.5)
torch.clamp(x, min=0)
torch.clamp(i, max=2)
torch.clip(x, max=y)
torch.clamp(x, v, 1.0 + v)
torch.where(b, x, y)
torch.where(b, x, 0.0)
torch.where(b, 1, i)
torch.where(b)
torch.atan2(x, y)
torch.arctan2(x, p)
torch.hypot(x, y)
torch.logaddexp(x, y)
torch.abs(x), torch.absolute(i)
torch.neg(x), torch.negative(i)
torch.exp(x), torch.exp2(x), torch.expm1(x)
torch.log(p), torch.log2(p), torch.log10(p), torch.log1p(p)
torch.sqrt(p), torch.rsqrt(p), torch.square(x), torch.reciprocal(x)
torch.sin(x), torch.cos(x), torch.tan(x)
torch.asin(p), torch.acos(p), torch.atan(x), torch.arcsin(p), torch.arccos(p), torch.arctan(x)
torch.sinh(x), torch.cosh(x), torch.tanh(x)
torch.asinh(x), torch.acosh(p + 1), torch.atanh(p)
torch.arcsinh(x), torch.arccosh(p + 1), torch.arctanh(p)
torch.floor(x), torch.ceil(x), torch.trunc(x), torch.fix(x), torch.frac(x)
torch.round(x), torch.round(x, decimals=1), torch.round(i)
torch.sign(x), torch.sign(i), torch.sigmoid(x)
torch.deg2rad(x), torch.rad2deg(x)
torch.erf(x), torch.erfc(x)
torch.exp(i), torch.sqrt(i), torch.sin(b), torch.sigmoid(i)
"""

REDUCTIONS = """
torch.sum(x), x.sum(0), x.sum(dim=(0, 1)), x.sum(-1, keepdim=True), i.sum(), b.sum()
torch.sum(x, dtype=torch.float64)
torch.mean(x), x.mean(1), t.mean((0, 2))
torch.prod(x), x.prod(0), i.prod(1), b.prod()
torch.std(x), x.std(0), x.std(1, keepdim=True), torch.std(x, dim=0, unbiased=False)
torch.var(x), x.var(0), torch.var(x, dim=1, correction=0), t.var(dim=(0, 1))
torch.std_mean(x), torch.var_mean(x, dim=1)
torch.max(x), torch.max(x, 0), x.max(dim=1, keepdim=True), torch.max(x, y), i.max()
torch.min(x), torch.min(x, 0), x.min(dim=1, keepdim=True), torch.min(x, y)
torch.amax(x), torch.amax(x, dim=(0, 1)), torch.amin(x, 1, keepdim=True)
torch.aminmax(x), torch.aminmax(x, dim=1)
torch.argmax(x), torch.argmax(x, 1), torch.argmin(x, dim=0, keepdim=True)
torch.all(b), torch.all(b, 0), torch.all(x), b.all(dim=1, keepdim=True)
torch.any(b), torch.any(b, 1), torch.any(i)
torch.logsumexp(x, 0), torch.logsumexp(x, (0, 1)), x.logsumexp(1, keepdim=True)
torch.nansum(x), torch.nansum(x, 1), torch.nanmean(x), torch.nanmean(x, 0)
torch.count_nonzero(i), torch.count_nonzero(i, dim=1), torch.count_nonzero(b)
torch.cumsum(x, 0), torch.cumsum(i, 1), torch.cumsum(b, 0)
torch.cumprod(x, 1), torch.cumprod(i, 0)
torch.norm(x), torch.norm(x, 1), torch.norm(x, p=2, dim=1), torch.norm(x, float("inf"))
torch.softmax(x, 1), torch.softmax(x, dim=0), torch.log_softmax(x, -1)
torch.sort(x), torch.sort(x, 0, descending=True), torch.sort(i, stable=True), torch.sort(b)
torch.argsort(x), torch.argsort(x, dim=0, descending=True), torch.msort(x)
torch.topk(x, 2), torch.topk(x, 2, dim=0, largest=False), torch.topk(v, 3)
torch.kthvalue(x, 2), torch.kthvalue(x, 1, dim=0, keepdim=True)
"""

SHAPE = """
torch.reshape(x, (4, 3)), x.reshape(2, -1), x.view(-1), x.view(2, 6), torch.ravel(x)
torch.flatten(t), torch.flatten(t, 1), torch.flatten(t, 0, 1), torch.unflatten(x, 1, (2, 2))
torch.squeeze(x.unsqueeze(1)), torch.squeeze(x[None, :, None], 0), torch.unsqueeze(x, -1)
torch.squeeze(x[None, :, None], (0, 2))
torch.transpose(x, 0, 1), torch.swapaxes(t, 0, 2), torch.swapdims(t, 1, -1), torch.t(x)
torch.permute(t, (2, 0, 1)), t.permute(1, 0, 2), x.T, t.mT
torch.movedim(t, 0, 2), torch.moveaxis(t, (0, 1), (1, 2))
torch.broadcast_to(v, (3, 4)), torch.broadcast_tensors(x, v), v.expand(2, 3, -1)
x.repeat(2, 1), x.repeat(2, 1, 2), torch.tile(x, (2,)), torch.tile(v, (2, 2))
torch.repeat_interleave(x, 2), torch.repeat_interleave(x, 2, dim=0)
torch.repeat_interleave(x, torch.tensor([1, 0, 2]), dim=0)
torch.cat([x, y]), torch.cat((x, y), dim=1), torch.concat([x, y], -1), torch.concatenate([x, y])
torch.stack([x, y]), torch.stack((x, y), dim=2)
torch.hstack((x, y)), torch.vstack((x, y)), torch.dstack((x, y)), torch.hstack((v, w))
torch.split(x, 2), torch.split(x, [1, 3], dim=1), x.split(3, 1)
torch.chunk(x, 2), torch.chunk(x, 3, dim=1), torch.tensor_split(x, 2)
torch.tensor_split(x, (1, 3), 1)
torch.unbind(x), torch.unbind(x, 1)
torch.narrow(x, 1, 1, 2), torch.select(x, 1, -1), x.narrow(0, 1, 1)
torch.flip(x, (0,)), torch.flip(x, (0, 1)), torch.fliplr(x), torch.flipud(x)
torch.roll(x, 1), torch.roll(x, (1, -1), (0, 1)), torch.roll(x, 2, dims=1)
torch.atleast_1d(x.sum()), torch.atleast_2d(v), torch.atleast_3d(x), torch.atleast_3d(v)
torch.diag(v), torch.diag(m), torch.diag(m, 1), torch.diagonal(m), torch.diagonal(t, 1, 1, 2)
torch.diag_embed(x), torch.diag_embed(x, offset=-1), torch.tril(x), torch.triu(m, 1)
torch.tril(t, -1)
torch.clone(x), x.contiguous(), x.detach(), x.expand_as(t), x.view_as(y), x.reshape_as(y)
x.shape, x.size(), x.size(1), x.dim(), x.ndim, x.numel(), len(x), x.stride(), x.T.is_contiguous()
x.element_size(), x.itemsize, x.nbytes, x.is_floating_point(), i.is_complex(), x.is_leaf
x.tolist(), i.tolist(), x.sum().item(), x[0, 0].item(), i.numpy()
"""

INDEXING = """
x[0], x[-1, 2], x[:, 1], x[1:], x[::2, 1:3], x[..., 0], x[None], x[:, None, 1]
x[j[:2] % 3], x[j % 3, j], x[[0, 2]], x[b], x[i > 0], x[:, torch.tensor([True, False, True, True])]
torch.gather(x, 1, j[:, None]), torch.gather(x, 0, j[None] % 3)
torch.index_select(x, 1, j), torch.index_select(x, 0, j % 3)
torch.masked_select(x, b), torch.masked_fill(x, b, 2.0), torch.masked_fill(i, b, 1)
torch.take(x, j), torch.take_along_dim(x, j[:, None], 1), torch.take_along_dim(x, j)
torch.nonzero(i), torch.nonzero(x, as_tuple=True), torch.argwhere(b)
torch.index_add(x, 1, j, y[:, :3]), torch.index_add(x, 1, j, y[:, :3], alpha=2)
torch.index_copy(x, 1, torch.tensor([2, 0]), y[:, :2])
torch.index_fill(x, 1, j, 3.0), torch.index_fill(i, 0, torch.tensor([1]), 7)
torch.scatter(x, 1, torch.tensor([[0, 2], [1, 0], [3, 1]]), y[:, :2])
torch.scatter(x, 1, j[:, None], 5.0)
torch.scatter_add(x, 1, j[:, None].expand(3, 4), y)
torch.where(x > 0, x, y), (x * b)[i != 0]
"""

LINEAR_ALGEBRA = """
torch.matmul(x, m), torch.matmul(x, v), torch.matmul(v, w), torch.matmul(t, m), x @ m, x @ v
torch.mm(x, m), torch.mv(m, v), torch.dot(v, w), torch.vdot(v, w), torch.inner(x, m)
torch.inner(v, w)
torch.bmm(t, t.mT), torch.outer(v, w), torch.ger(v, w), torch.kron(x, m), torch.trace(m)
torch.addmm(x, x, m), torch.addmm(v, x, m, beta=0.5, alpha=2), torch.addmv(v, m, w, alpha=3)
torch.baddbmm(t[:, :, :3], t, t.mT, beta=2, alpha=0.5)
torch.einsum("ij,jk->ik", x, m), torch.einsum("ij,ij->i", x, y), torch.einsum("...ij->...ji", t)
torch.tensordot(x, m, 1), torch.tensordot(t, x, dims=([1, 2], [0, 1]))
"""

TYPES = """
x.dtype, i.dtype, b.dtype, x.float().dtype, x.double().dtype, i.float(), x.long(), x.int(), x.bool()
x.to(torch.float64), x.to(torch.int32), i.to(x), i.type_as(x), x.half().dtype, x.short(), b.byte()
i.char()
x.type(torch.float64), x.cpu(), x.is_cuda, x.requires_grad, i.requires_grad
x.new_zeros(2), x.new_ones((2, 3)), x.new_full((2,), 3), x.new_tensor([1, 2]), x.new_empty(2).shape
torch.promote_types(torch.int64, torch.float32), torch.promote_types(torch.uint8, torch.int8)
torch.result_type(i, 2.5), torch.result_type(x, 2), torch.result_type(i, x)
torch.finfo(torch.float32).eps, torch.iinfo(torch.int16).max, torch.finfo(torch.float64).tiny
torch.get_default_dtype()
torch.is_grad_enabled(), torch.is_inference_mode_enabled()
torch.float, torch.double, torch.half, torch.short, torch.int, torch.long
torch.float16, torch.float32, torch.float64, torch.int8, torch.int16, torch.int32, torch.int64
torch.uint8, torch.bool
"""

IN_PLACE = """
x.clone().add_(y), x.clone().add_(y, alpha=2), x.clone().sub_(1), x.clone().mul_(y)
x.clone().div_(y)
x.clone().subtract_(y), x.clone().multiply_(y), x.clone().divide_(y), i.clone().floor_divide_(k)
x.clone().true_divide_(y), x.clone().pow_(2), i.clone().remainder_(k), i.clone().fmod_(k)
x.clone().abs_(), x.clone().absolute_(), x.clone().neg_(), x.clone().negative_(), x.clone().exp_()
x.clone().exp2_(), x.clone().expm1_(), p.clone().log_(), p.clone().log2_(), p.clone().log10_()
p.clone().log1p_(), p.clone().sqrt_(), p.clone().rsqrt_(), x.clone().square_()
x.clone().reciprocal_()
x.clone().sin_(), x.clone().cos_(), x.clone().tan_(), x.clone().sinh_(), x.clone().cosh_()
x.clone().tanh_()
p.clone().asin_(), p.clone().acos_(), x.clone().atan_(), x.detach().clone().asinh_()
p.detach().clone().atanh_()
p.clone().arcsin_(), p.clone().arccos_(), x.clone().arctan_(), x.detach().clone().arcsinh_()
p.detach().clone().arctanh_()
(p.detach() + 1).acosh_(), (p.detach() + 1).arccosh_(), x.clone().floor_(), x.clone().ceil_()
x.clone().trunc_(), x.clone().fix_()
x.clone().frac_(), x.clone().round_(), x.clone().sign_(), x.clone().sigmoid_(), x.clone().deg2rad_()
x.clone().rad2deg_(), x.clone().clamp_(-1, 1), x.clone().clip_(min=0), x.clone().fill_(3)
x.clone().zero_()
i.clone().bitwise_and_(k), i.clone().bitwise_or_(k), i.clone().bitwise_xor_(k), x.clone().copy_(y)
x.clone().masked_fill_(b, 0.0), x.clone().index_add_(1, j, y[:, :3])
x.clone().index_fill_(1, j, 2.0)
x.clone().index_copy_(1, torch.tensor([2, 0]), y[:, :2]), x.clone().scatter_(1, j[:, None], 5.0)
x.clone().scatter_add_(1, j[:, None].expand(3, 4), y), torch.relu_(x.clone())
x.clone().uniform_().shape, x.clone().normal_().shape, x.clone().bernoulli_(1.0)
x.clone().random_().shape
x.clone().exponential_().shape, x.clone().bernoulli_(0.0)
"""

NETWORKS = """
torch.relu(x), torch.selu(x), torch.celu(x), torch.hardshrink(x), torch.threshold(x, 0.1, 2.0)
torch.prelu(x, v[:1]), torch.rrelu(x, 0.2, 0.2), torch.dropout(x, 0.0, True)
torch.dropout(x, 0.5, False)
torch.alpha_dropout(x, 0.5, False)
torch.bilinear(x, y, t.reshape(2, 4, 3)[:, :, :1].expand(2, 4, 4))
torch.cosine_similarity(x, y), torch.pairwise_distance(x, y)
"""
