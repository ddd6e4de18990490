import numpy as np, torch, sys
from PIL import Image, ImageDraw
from lcoins.data import color_agreement as A
from lcoins.data.color_agreement import *
from lcoins.data.color_naming import terms_of_pixels, inner
from lcoins.color.words import BASIC_COLORS
torch.set_num_threads(1)
S='/work/shared/data/'
rows=[]
for r,i,c in ((S+'photos/coco/photos',S+'photos/coco/instances.json',S+'photos/coco/captions.json'),(S+'coco_color/train2017',S+'coco_color/instances_train2017.json',S+'coco_color/selected_train.json'),(S+'coco_color/val2017',S+'coco_color/instances_val2017.json',S+'coco_color/selected_val.json'),(S+'photos/food/photos',S+'photos/food/instances.json',S+'photos/food/captions.json')):
    K=CocoInstances(i); src=open_photos(r); N=Nouns(K.categories)
    for p,t in captions_by_photo(read_pairs(c)[0]).items():
        if is_held_out(p): continue
        w=peoples_words(t,N)
        if not w or p not in K or p not in src: continue
        kinds,masks=single_things(K.crop(p,SIDE))
        for k in w:
            if kinds.count(k)!=1 or masks[kinds.index(k)].mean()<LEAST: continue
            m=masks[kinds.index(k)]
            im=np.array(Image.fromarray(src.load(p,(SIDE,SIDE))).resize((SIDE,SIDE),Image.Resampling.BILINEAR))
            L,ab=split_lab(torch.from_numpy(im).permute(2,0,1)[None].float()/255)
            o=own_color(k,m,L[0,0],ab[0]); q=inner(m)
            v=np.bincount(terms_of_pixels(L[0,0].numpy()[q],ab[0].numpy()[:,q]),minlength=11)/q.sum()
            rows.append((im,m,k,w[k],o,v,p))
print(len(rows), sum(o is not None for *_,o,v,p in rows), sum(o in w for _,_,_,w,o,v,p in rows if o))
X=Image.new('RGB',(8*170,((len(rows)+7)//8)*200),'white'); d=ImageDraw.Draw(X)
for n,(im,m,k,w,o,v,p) in enumerate(rows):
    im=im.copy(); im[~m]=im[~m]//3+150; x,y=n%8*170,n//8*200
    X.paste(Image.fromarray(im).resize((168,168)),(x,y)); d.text((x,y+168),f"{k}: {w[0]} -> {o}",fill='black' if o is None or o in w else 'red')
    d.text((x,y+180),' '.join(f"{BASIC_COLORS[t]} {v[t]:.2f}" for t in np.argsort(-v)[:3]),fill='black')
X.save('sheet2.png')
